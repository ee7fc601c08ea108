/**
 * Connects that stay pending. A listener's queue is filled: Linux, and so Wine, then drops further SYNs and the connects
 * wait, Windows answers them with RST. Both are right; what may never happen is a callback that comes twice or not at all.
 */
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkPal, type SocketHandle } from '../../src/index.ts';
import { iocpInline, iocpWorker } from '../support/beds.ts';
import { close } from '../support/io.ts';
import { Outcomes } from '../support/outcomes.ts';
import { testPal } from '../support/pal-fixture.ts';
import { until } from '../support/until.ts';

/** Well above what one untaken connection and a queue of one hold. */
const ATTEMPTS = 12;

for (const bed of [iocpWorker, iocpInline]) {
  describe(`pending connects [${bed.name}]`, () => {
    const fixture = testPal(bed);

    /** Starts connects until the queue is full, and returns when those that get in have. */
    async function fill(pal: NetworkPal, outcomes: Outcomes): Promise<{ port: number; handles: SocketHandle[] }> {
      const { port } = pal.createServer('127.0.0.1', 0, { backlog: 1, acceptDepth: 1 });
      const handles = Array.from({ length: ATTEMPTS }, (_, index) =>
        pal.asyncConnect('127.0.0.1', port, {}, outcomes.expect(`connect ${index}`)),
      );
      // The pool takes one, the queue at least one more.
      await until(
        () => outcomes.log.filter((line) => line.endsWith(' ok')).length >= 2,
        () => `two connections: ${outcomes.log.join(', ')}`,
      );
      return { port, handles };
    }

    for (const how of ['closeSocket', 'resetSocket'] as const) {
      it(`${how} ends them, each with one callback before its close callback`, async () => {
        const { pal } = fixture;
        const outcomes = new Outcomes();
        const { handles } = await fill(pal, outcomes);
        handles.forEach((handle, index) => pal[how](handle, outcomes.expect(`close ${index}`)));
        await outcomes.settled();
        for (let index = 0; index < ATTEMPTS; index++) {
          const error = outcomes.errors.get(`connect ${index}`);
          expect(error?.kind, `connect ${index}`).to.be.oneOf([
            undefined,
            NetworkErrorCode.ConnectionClosed,
            NetworkErrorCode.ConnectionRefused,
          ]);
          const place = (label: string): number => outcomes.log.findIndex((line) => line.startsWith(`${label} `));
          expect(place(`connect ${index}`)).to.be.below(place(`close ${index}`));
        }
        expect(outcomes.log.filter((line) => / (ECANCELED|ECONNREFUSED)$/.test(line))).to.have.length.above(0);
      });
    }

    it('stopEventLoop() ends them', async () => {
      const { pal } = fixture;
      const outcomes = new Outcomes();
      await fill(pal, outcomes);
      await pal.stopEventLoop();
      await outcomes.settled();
      expect(outcomes.log).to.have.lengthOf(ATTEMPTS);
      expect(outcomes.log.filter((line) => / (ECANCELED|ECONNREFUSED)$/.test(line))).to.have.length.above(0);
    });

    it('a timeout ends them, with Timeout, and leaves no socket', async () => {
      const { pal } = fixture;
      const { port, handles: before } = await fill(pal, new Outcomes());
      const outcomes = new Outcomes();
      const timeout = 100;
      const handles = Array.from({ length: ATTEMPTS }, (_, index) =>
        pal.asyncConnect('127.0.0.1', port, { timeout }, outcomes.expect(`connect ${index}`)),
      );
      await outcomes.settled();
      for (const error of outcomes.errors.values()) {
        if (error === null) throw new Error('A queue that was full took one more');
        expect(error.kind).to.be.oneOf([NetworkErrorCode.Timeout, NetworkErrorCode.ConnectionRefused]);
        if (error.kind !== NetworkErrorCode.Timeout) continue;
        expect(error).to.include({ code: 'ETIMEDOUT', address: '127.0.0.1' });
        expect(error.message).to.match(new RegExp(`127\\.0\\.0\\.1:\\d+: not completed within ${timeout} ms$`));
      }
      await Promise.all([...handles, ...before].map((handle) => close(pal, handle)));
    });
  });
}
