/**
 * Sends that the system takes only a part of, or nothing, with success. Windows hardly ever does that; Wine does when the
 * peer half-closes while a send and a receive are pending. Here each WSASend is cut short before the system sees it.
 */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { WSABUF } from '../../ffi/layouts.ts';
import { NetworkErrorCode } from '../../src/index.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { iocpSkipping, iocpWorker } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { withCalls } from '../support/calls.ts';
import { rejectionOf } from '../support/errors.ts';
import { pair, read, readExactly, write } from '../support/io.ts';
import { viewAt } from '../support/native.ts';
import { testPal } from '../support/pal-fixture.ts';

/** Lets at most `most` bytes of a WSABUF array through. */
function cut(address: number, count: number, most: number): void {
  const view = viewAt(address, count * WSABUF.size);
  let left = most;
  for (let index = 0; index < count; index++) {
    const at = index * WSABUF.size + WSABUF.len;
    const length = Math.min(view.getUint32(at, true), left);
    view.setUint32(at, length, true);
    left -= length;
  }
}

for (const bed of [iocpWorker, iocpSkipping]) {
  describe(`short sends [${bed.name}]`, () => {
    /** Bytes that the n-th WSASend may take. */
    let allowed: (call: number) => number;
    let sends: number;
    const fixture = testPal(bed, () => {
      allowed = () => Infinity;
      sends = 0;
      return {
        platform: withCalls(windowsPlatform(), {
          WSASend: ({ args, real }) => {
            const most = allowed(sends++);
            if (most !== Infinity) cut(args[1] ?? 0, args[2] ?? 0, most);
            return real();
          },
        }),
      };
    });

    const patterns: [string, (call: number) => number][] = [
      ['one byte at a time at first', (call) => (call < 20 ? 1 : Infinity)],
      ['nothing at all, a few times', (call) => (call < 5 ? 0 : Infinity)],
      ['nothing in between', (call) => (call % 2 === 0 ? 0 : 5000)],
      ['odd sizes', (call) => 1 + ((call * 7919) % 30_000)],
    ];
    for (const [title, pattern] of patterns) {
      it(`${title}: are resumed, in order, before anything behind them`, async () => {
        const { pal } = fixture;
        const { client, served } = await pair(pal);
        allowed = pattern;
        const pinned = pal.allocateBuffer(10_000);
        seededBytes(10_000, 9).copy(pinned);
        const list = [seededBytes(3000, 3), pinned.subarray(0, 5000), new Uint8Array(0), pinned.subarray(5000)];
        const messages = [seededBytes(50_000, 1), seededBytes(10, 2), Buffer.concat(list), seededBytes(20_000, 4)];
        const expected = Buffer.concat(messages);
        const [received, ...written] = await Promise.all([
          readExactly(pal, served, expected.length),
          ...[messages[0]!, messages[1]!, list, messages[3]!].map((data) => write(pal, client, data)),
        ]);
        expect(received.equals(expected)).to.equal(true);
        expect(written).to.deep.equal(messages.map(({ length }) => length));
        expect(pal.stats().queuedBytes).to.equal(0);
      });
    }

    it('that take nothing for ever break the connection, instead of being tried for ever', async () => {
      const { pal } = fixture;
      const { client } = await pair(pal);
      allowed = () => 0;
      const error = await rejectionOf(write(pal, client, seededBytes(100)));
      expect(error).to.include({ code: 'ECONNRESET', kind: NetworkErrorCode.ConnectionReset });
      expect(sends).to.be.within(10, 200);
      expect(pal.getQueuedBytes(client)).to.equal(0);
    });

    it('keep the FIN back until the rest is sent', async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      allowed = () => 700;
      const sent = seededBytes(10_000);
      const writing = write(pal, client, sent);
      pal.shutdown(client, 'send');
      expect((await readExactly(pal, served, sent.length)).equals(sent)).to.equal(true);
      expect((await read(pal, served)).length).to.equal(0);
      expect(await writing).to.equal(sent.length);
    });
  });
}
