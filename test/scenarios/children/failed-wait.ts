/**
 * Somebody in the process closes what a loop waits on: the completion port, or the WSAPoll backend's own socket. The first argument
 * is the backend, the second the waiter. Prints what became of the loop, and of one like it that is run afterwards.
 */
import process from 'node:process';
import { createNetworkPal, NetworkError, type NetworkPal, type PalOptions } from '../../../src/index.ts';
import { SOCK_DGRAM } from '../../../ffi/constants.ts';
import { windowsPlatform } from '../../../src/windows/windows-platform.ts';
import { onBackend } from '../../support/backends.ts';
import { pair, read, write } from '../../support/io.ts';

const [backend = 'iocp', waiter = 'worker'] = process.argv.slice(2);

const real = windowsPlatform();
/** What the latest loop waits on. */
let port = 0;
let wakeSocket = 0;
const platform = {
  ...real,
  kernel32: {
    ...real.kernel32,
    CreateIoCompletionPort: (...args: [number, number, number, number]) => {
      const made = real.kernel32.CreateIoCompletionPort(...args);
      if (args[1] === 0) port = made;
      return made;
    },
  },
  ws2_32: {
    ...real.ws2_32,
    WSASocketW: (...args: [number, number, number, number, number, number]) => {
      const made = real.ws2_32.WSASocketW(...args);
      if (args[1] === SOCK_DGRAM) wakeSocket = made;
      return made;
    },
  },
};

process.on('warning', (warning) => console.log(`warning ${'code' in warning ? String(warning.code) : warning.name}`));
process.on('uncaughtException', (error) => console.log(`uncaught ${error.message}`));

const options = { ...onBackend(backend), waiter, strict: true, platform } as PalOptions;
const pal: NetworkPal = createNetworkPal(options);
pal.initialize();
const running = pal.runEventLoop();
const { client, served } = await pair(pal);
const reading = read(pal, client).then(
  () => 'bytes',
  (error: unknown) => (error as NetworkError).code,
);
const ended = running.then(
  () => 'fulfilled',
  (error: unknown) => (error instanceof NetworkError ? `${error.code} ${error.syscall ?? ''}` : String(error)),
);
if (backend === 'iocp') real.kernel32.CloseHandle(port);
else real.ws2_32.closesocket(wakeSocket);
void write(pal, served, new Uint8Array(5)).catch(() => undefined);
console.log(`loop ${await ended}`);
console.log(`read ${['bytes', 'ECANCELED'].includes(await reading) ? 'answered' : await reading}`);
console.log(`running ${String(pal.isRunning())}`);
await pal.stopEventLoop();

const again = pal.runEventLoop();
const next = await pair(pal);
const answer = read(pal, next.client);
await write(pal, next.served, new Uint8Array(3));
console.log(`again ${(await answer).length}`);
await pal.stopEventLoop();
await again;
console.log('ending');
