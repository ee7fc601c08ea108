/** Ends the process in the way that the first argument names; the second names the waiter. Traffic is pending meanwhile. */
import process from 'node:process';
import { createNetworkPal, type WaiterKind } from '../../../src/index.ts';
import { connect, pair, read, REFUSING_PORT, write } from '../../support/io.ts';

const [way = '', waiter = 'worker'] = process.argv.slice(2);
const pal = createNetworkPal({ waiter: waiter as WaiterKind, strict: true });
pal.initialize();

/** Everything that can be pending, is. */
async function keepBusy(): Promise<void> {
  const { client, served, server } = await pair(pal);
  const nothing = (): void => undefined;
  pal.asyncAccept(server.handle, nothing);
  pal.asyncRead(client, new Uint8Array(10), 10, nothing);
  pal.asyncRead(served, new Uint8Array(10), 10, nothing);
  pal.asyncWrite(client, new Uint8Array(32 * 1024 * 1024), nothing);
}

const ways: Record<string, () => unknown> = {
  'natural-end': async () => {
    await pair(pal); // sockets are open, but nobody waits for anything
    console.log('ending');
  },
  'natural-end-unref': async () => {
    const { client, server } = await pair(pal);
    pal.asyncRead(client, new Uint8Array(1), 1, () => console.log('read came back'));
    pal.asyncAccept(server.handle, () => console.log('accept came back'));
    pal.unref(client);
    pal.unref(server.handle);
    console.log('ending');
  },
  'ref-keeps-alive': async () => {
    const { client, served } = await pair(pal);
    pal.asyncRead(client, new Uint8Array(1), 1, () => console.log('ending'));
    pal.unref(client);
    pal.ref(client);
    // The timer that sends does not keep the process alive; the pending read does.
    setTimeout(() => void write(pal, served, new Uint8Array(1)), 300).unref();
  },
  'nothing-opened': () => console.log('ending'),
  'top-level-await': async () => {
    const { client, served } = await pair(pal);
    await Promise.all([write(pal, client, new Uint8Array(5)), read(pal, served)]);
    console.log('ending');
  },
  stop: async () => {
    await keepBusyButFlushable();
    console.log('ending');
    await pal.stopEventLoop();
    console.log('stopped');
  },
  exit: async () => {
    await keepBusy();
    console.log('ending');
    process.exit(7);
  },
  'exit-at-once': () => {
    console.log('ending');
    process.exit(7);
  },
  'uncaught-error': async () => {
    await keepBusy();
    setImmediate(() => {
      console.log('ending');
      throw new Error('on purpose');
    });
  },
  'unhandled-rejection': async () => {
    await keepBusy();
    console.log('ending');
    void Promise.reject(new Error('on purpose'));
  },
  'throwing-callback': async () => {
    await keepBusy();
    await connect(pal, '127.0.0.1', REFUSING_PORT).catch(() => undefined);
    const { client, served } = await pair(pal);
    pal.asyncRead(client, new Uint8Array(1), 1, () => {
      console.log('ending');
      throw new Error('on purpose');
    });
    await write(pal, served, new Uint8Array(1));
  },
  signal: async () => {
    await keepBusy();
    console.log('ready');
  },
};

async function keepBusyButFlushable(): Promise<void> {
  const { client, served, server } = await pair(pal);
  pal.asyncAccept(server.handle, () => undefined);
  pal.asyncRead(client, new Uint8Array(10), 10, () => undefined);
  pal.asyncRead(served, new Uint8Array(10), 10, () => undefined);
}

const running = pal.runEventLoop();
await ways[way]?.();
await running;
console.log('loop ended');
