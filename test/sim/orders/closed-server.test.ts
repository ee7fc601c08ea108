/** A server is closed at each moment of a connection's way to it: whoever connected is refused or reset, and never told of a good end. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';

/** More than a connect, an accept and their packets take. */
const MOMENTS = 40;
const SEEDS = 8;

/** Connects, closes the server after so many steps, and returns what the connection ended with. */
async function endAfter(seed: number, steps: number, shared: boolean): Promise<string> {
  const network = simulateNetwork({ seed });
  const platform = network.platform({ keepAlive: true });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  if (shared) pal.exportSocket(server.handle, network.platform().processId);
  let end = 'nothing';
  pal.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
    end = error?.code ?? 'connected';
    if (error !== null) return;
    pal.asyncRead(socket, new Uint8Array(1), 1, (failure, bytes) => {
      end = failure?.code ?? `${bytes} bytes`;
    });
  });
  for (let step = 0; step < steps; step++) platform.step();
  pal.closeSocket(server.handle);
  await network.settle();
  const seen = end; // a connection that waits for the other process has no end but its own
  void pal.stopEventLoop();
  await network.settle();
  await ended;
  return seen;
}

describe('a simulated server that is closed at any moment', () => {
  for (const [what, shared, expected] of [
    ['resets what its accepts have brought and nobody has taken', false, ['ECONNREFUSED', 'ECONNRESET']],
    ['does so when another process has it too, which gets the others', true, ['ECONNRESET', 'connected']],
  ] as const) {
    it(what, async () => {
      const ends = new Set<string>();
      for (let seed = 0; seed < SEEDS; seed++) {
        for (let steps = 0; steps < MOMENTS; steps++) ends.add(await endAfter(seed, steps, shared));
      }
      expect([...ends].sort()).to.deep.equal(expected);
    });
  }
});
