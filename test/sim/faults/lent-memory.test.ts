/** What is lent to the kernel and changed meanwhile is noticed, to the byte: neither its neighbours nor less than all of it. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

const SIZE = 600;

/** Lends a part of a buffer to a WSARecv that waits, changes one byte of the buffer, and lets the kernel look. */
function change(from: number, to: number, byte: number): () => void {
  const platform = simulatePlatform({ seed: 0, plain: true, keepAlive: true });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
  pal.initialize();
  void pal.runEventLoop();
  const buffer = pal.allocateBuffer(SIZE);
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  const client = pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
  platform.run();
  pal.asyncRead(client, buffer.subarray(from, to), to - from, () => undefined);
  const held = [...platform.ledger].filter(({ kind }) => kind === 'WSARecv');
  expect(
    held.map(({ total }) => total),
    'a receive that waits',
  ).to.deep.equal([to - from]);
  buffer[byte] = 1;
  return () => held[0]?.verify();
}

describe('memory that is lent to the kernel', () => {
  for (const [from, to] of [
    [1, 9],
    [0, 7],
    [1, 3],
    [5, 6],
    [3, 5],
    [4, 8],
    [0, SIZE],
  ] as const) {
    it(`is bytes ${from} to ${to} of a buffer, and no others`, () => {
      for (const byte of [from, to - 1])
        expect(change(from, to, byte), `byte ${byte}`).to.throw('Memory lent to the kernel');
      for (const byte of [from - 1, to]) {
        if (byte >= 0 && byte < SIZE) expect(change(from, to, byte), `byte ${byte}`).not.to.throw();
      }
    });
  }
});
