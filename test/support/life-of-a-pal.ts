/** A little of everything that depends on turns, timers and the clock, from initialize() to the end of the stop. */
import type { NetworkPal } from '../../src/index.ts';
import { close, connect, pair, read, write } from './io.ts';

/** Milliseconds of a deadline that is met. */
const DEADLINE_MS = 20;

/** Resolves with what happened, in order. */
export async function lifeOfAPal(pal: NetworkPal): Promise<string[]> {
  const happened: string[] = [];
  pal.initialize();
  const running = pal.runEventLoop();
  const { client, served, server } = await pair(pal);
  happened.push('connected');
  await write(pal, client, new Uint8Array(100_000));
  for (let bytes = 0; bytes < 100_000;) bytes += (await read(pal, served)).length;
  happened.push('read');
  await new Promise<void>((resolve) => {
    pal.asyncRead(client, new Uint8Array(1), 1, { timeout: DEADLINE_MS }, (error) => {
      happened.push(`deadline: ${error?.code ?? 'none'}`);
      resolve();
    });
  });
  const third = connect(pal, 'localhost', server.port, { lookup: answerLoopback });
  await close(pal, await third);
  happened.push('connected by name');
  await pal.stopEventLoop();
  await running;
  happened.push('stopped');
  return happened;
}

export const WHOLE_LIFE = ['connected', 'read', 'deadline: ETIMEDOUT', 'connected by name', 'stopped'];

/** A resolver that knows one address, and no timers. */
function answerLoopback(
  _name: string,
  options: { family?: number | 'IPv4' | 'IPv6' | undefined },
  callback: (error: Error | null, addresses: { address: string; family: number }[]) => void,
): void {
  void Promise.resolve().then(() => {
    if (options.family === 4) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), []);
  });
}
