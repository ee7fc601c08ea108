/**
 * skipCompletionPortOnSuccess: used only where the system confirms it, socket by socket, and fair: a socket whose calls
 * always finish at once must not starve the others, nor timers.
 */
import { expect } from 'chai';
import {
  FILE_SKIP_COMPLETION_PORT_ON_SUCCESS,
  FILE_SKIP_SET_EVENT_ON_HANDLE,
  SO_PROTOCOL_INFOW,
  XP1_IFS_HANDLES,
} from '../../ffi/constants.ts';
import type { NetworkError, NetworkPal } from '../../src/index.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { iocpSkipping, iocpWorker } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { withCalls, type Interception, type ObservedPlatform } from '../support/calls.ts';
import { pair, readExactly, write, type Pair } from '../support/io.ts';
import { viewAt } from '../support/native.ts';
import { testPal } from '../support/pal-fixture.ts';
import { until } from '../support/until.ts';

/** Bytes that a busy connection has waiting at least, and bytes after which it runs dry. */
const STOCK = 50_000;
const PLENTY = 500_000;

const SKIP_MODES = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;

/** Echoes `count` messages one way, so that most receives find their data there. */
async function exchange(pal: NetworkPal, count: number): Promise<void> {
  const { client, served } = await pair(pal);
  for (let message = 0; message < count; message++) {
    await write(pal, client, seededBytes(100, message));
    expect((await readExactly(pal, served, 100)).equals(seededBytes(100, message))).to.equal(true);
  }
}

describe('skipCompletionPortOnSuccess', () => {
  let platform: ObservedPlatform;
  let setModes: (call: Interception) => number;
  let clearRealHandles: boolean;
  const make = (skip: boolean) => () => {
    setModes = ({ real }) => real();
    clearRealHandles = false;
    platform = withCalls(windowsPlatform(), {
      SetFileCompletionNotificationModes: (call) => setModes(call),
      getsockopt: ({ args, real }) => {
        const result = real();
        const [, , name, address = 0] = args;
        if (name === SO_PROTOCOL_INFOW && clearRealHandles) {
          const view = viewAt(address, 4);
          view.setUint32(0, view.getUint32(0, true) & ~XP1_IFS_HANDLES, true);
        }
        return result;
      },
    });
    return { platform, skipCompletionPortOnSuccess: skip };
  };

  describe('on', () => {
    const fixture = testPal(iocpWorker, make(true));

    it('is asked for on each connection, and saves packets', async () => {
      await exchange(fixture.pal, 50);
      const calls = platform.callsOf('SetFileCompletionNotificationModes');
      expect(calls).to.have.lengthOf(2);
      expect(calls.every(({ args }) => args[1] === SKIP_MODES)).to.equal(true);
      expect(fixture.pal.stats().inlineCompletions).to.be.above(50);
    });

    it('is not used where the system refuses it: every call then has its packet', async () => {
      setModes = ({ fail }) => fail(1, 0);
      await exchange(fixture.pal, 50);
      expect(fixture.pal.stats().inlineCompletions).to.equal(0);
      expect(fixture.pal.stats().packets).to.be.at.least(100);
    });

    it('is decided socket by socket', async () => {
      let count = 0;
      setModes = ({ real, fail }) => (count++ % 2 === 0 ? real() : fail(1, 0));
      await exchange(fixture.pal, 50);
      await exchange(fixture.pal, 50);
      expect(fixture.pal.stats().inlineCompletions).to.be.above(0);
    });

    it('is not asked for where a provider without real handles is in between', async () => {
      clearRealHandles = true;
      await exchange(fixture.pal, 50);
      expect(platform.callsOf('SetFileCompletionNotificationModes')).to.have.lengthOf(0);
      expect(fixture.pal.stats().inlineCompletions).to.equal(0);
    });
  });

  describe('off', () => {
    const fixture = testPal(iocpWorker, make(false));

    it('is not asked for', async () => {
      await exchange(fixture.pal, 20);
      expect(platform.callsOf('SetFileCompletionNotificationModes')).to.have.lengthOf(0);
      expect(fixture.pal.stats().inlineCompletions).to.equal(0);
    });
  });
});

for (const bed of [iocpWorker, iocpSkipping]) {
  describe(`fairness [${bed.name}]`, () => {
    const fixture = testPal(bed);

    /**
     * Reads a byte at a time of data that is there already, without ever pausing: the peer sends more before it is all read.
     * (Until there is no doubt, that is: a loop that serves nobody else would never come back.) Returns how many it has read.
     */
    function gobble(pal: NetworkPal, { client, served }: Pair): () => number {
      let count = 0;
      let sent = 0;
      const buffer = new Uint8Array(1);
      const supply = (): void => {
        if (sent - count > STOCK || sent >= PLENTY) return;
        sent += STOCK;
        pal.asyncWrite(client, seededBytes(STOCK), () => undefined);
      };
      const next = (error: NetworkError | null, bytes: number): void => {
        if (error !== null || bytes === 0) return;
        count++;
        supply();
        pal.asyncRead(served, buffer, 1, next);
      };
      supply();
      pal.asyncRead(served, buffer, 1, next);
      return () => count;
    }

    it('a socket that always has data starves neither another one nor timers', async () => {
      const { pal } = fixture;
      const busy = await pair(pal);
      const other = await pair(pal);
      const eaten = gobble(pal, busy);
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      try {
        for (let message = 0; message < 20; message++) {
          await write(pal, other.client, seededBytes(10, message));
          await readExactly(pal, other.served, 10);
        }
        expect(eaten(), 'the busy one is not through: the other did not have to wait for it').to.be.within(
          1,
          PLENTY - 1,
        );
        await until(
          () => ticks >= 3,
          () => `three ticks of a timer, came ${ticks}`,
        );
        expect(eaten(), 'and neither did the timer').to.be.below(PLENTY);
      } finally {
        clearInterval(timer);
      }
    });
  });
}
