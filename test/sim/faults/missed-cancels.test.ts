/**
 * A cancel that does not find its operation, which goes on: Wine's server takes a send that its process is just carrying on
 * with off the list that CancelIoEx looks through. "Not found" then does not mean "done, and its packet is on its way".
 */
import { expect } from 'chai';
import { ERROR_NOT_FOUND } from '../../../ffi/wsa-errors.ts';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { simulateNetwork, type ProfileName, type SimulatedPlatform } from '../../../src/sim/index.ts';
import type { PlannedFault } from '../../../src/sim/machine/faults.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';
import { RawPeer } from '../support/raw-peer.ts';

interface Bench {
  readonly platform: SimulatedPlatform;
  /** Another process. */
  readonly other: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly log: string[];
  readonly told: (what: string) => (error?: { code: string } | null) => void;
  readonly connect: () => ReturnType<NetworkPal['asyncConnect']>;
  /** Resolves when the loop has stopped; expects that nothing is left. */
  readonly stop: () => Promise<void>;
}

const GRACE_MS = 50;
/** Bytes that wait on either side while the peer reads nothing. */
const BUFFER = 8;
/** Random runs in which the simulated Wine may miss a cancel. */
const SEEDS = isLong ? 200 : 80;

function bench(profile: ProfileName, plan: readonly PlannedFault[], seed = 0): Bench {
  const network = simulateNetwork({ seed, plain: seed === 0 });
  const sizes = { sendBufferSize: BUFFER, receiveBufferSize: BUFFER };
  const platform = network.platform({ profile, keepAlive: true, faults: { plan }, ...sizes });
  const other = network.platform(sizes);
  const peer = new RawPeer(network, other); // it reads nothing
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64, closeGraceMs: GRACE_MS });
  pal.initialize();
  const ended = pal.runEventLoop();
  const log: string[] = [];
  return {
    platform,
    other,
    pal,
    log,
    told: (what) => (error) => void log.push(`${what} ${error?.code ?? 'ok'}`),
    connect: () => {
      const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, (error) => {
        if (error !== null) throw error;
      });
      network.run();
      // Fills what waits on both sides: whatever is sent from now on is under way.
      pal.asyncWrite(socket, new Uint8Array(2 * BUFFER), () => undefined);
      network.run();
      return socket;
    },
    stop: async () => {
      void pal.stopEventLoop();
      await network.settle();
      await ended;
      expectNothingLeft(platform);
    },
  };
}

/** Runs until nothing happens any more, timers included. */
async function rest(platform: SimulatedPlatform, log: string[], count: number): Promise<void> {
  await platform.settle(() => log.length >= count);
}

/** The first cancel finds nothing. */
const MISSED: readonly PlannedFault[] = [{ call: 'CancelIoEx', nth: 1, code: ERROR_NOT_FOUND }];
/** None finds anything, ever. */
const ALL_MISSED: readonly PlannedFault[] = [{ call: 'CancelIoEx', nth: 1, code: ERROR_NOT_FOUND, lasting: true }];

/** What is pending when a socket is closed, by name: returns what its callbacks say. */
const PENDING: Readonly<Record<string, (bench: Bench) => { close: () => void; expected: string[] }>> = {
  'a TransmitFile': ({ pal, platform, told, connect }) => {
    const socket = connect();
    platform.files.put('file', new Uint8Array(5000));
    pal.asyncSendFile(socket, 'file', {}, told('file'));
    platform.run();
    return { close: () => pal.closeSocket(socket, told('close')), expected: ['file ECANCELED', 'close ok'] };
  },
  'a WSASend': ({ pal, platform, told, connect }) => {
    const socket = connect();
    pal.asyncWrite(socket, new Uint8Array(5000), told('write'));
    platform.run();
    return {
      close: () => pal.closeSocket(socket, told('close')),
      expected: ['write ECANCELED', 'close ok'],
    };
  },
  'a WSARecv': ({ pal, platform, told, connect }) => {
    const socket = connect();
    pal.asyncRead(socket, Buffer.alloc(10), 10, told('read'));
    platform.run();
    return { close: () => pal.closeSocket(socket, told('close')), expected: ['read ECANCELED', 'close ok'] };
  },
  'a WSASend and a WSARecv': ({ pal, platform, told, connect }) => {
    const socket = connect();
    pal.asyncRead(socket, Buffer.alloc(10), 10, told('read'));
    pal.asyncWrite(socket, new Uint8Array(5000), told('write'));
    platform.run();
    return {
      close: () => pal.closeSocket(socket, told('close')),
      expected: ['read ECANCELED', 'write ECANCELED', 'close ok'],
    };
  },
  'an AcceptEx, which another process has too,': ({ pal, platform, other, told }) => {
    const { handle } = pal.createServer('127.0.0.1', 0, { acceptDepth: 3 });
    pal.exportSocket(handle, other.processId);
    pal.asyncAccept(handle, told('accept'));
    platform.run();
    return { close: () => pal.closeSocket(handle, told('close')), expected: ['accept ECANCELED', 'close ok'] };
  },
};

/** Of these closesocket does not wait for a packet. */
const CLOSED_AT_ONCE: typeof PENDING = {
  'an AcceptEx': ({ pal, platform, told }) => {
    const { handle } = pal.createServer('127.0.0.1', 0, { acceptDepth: 3 });
    pal.asyncAccept(handle, told('accept'));
    platform.run();
    return { close: () => pal.closeSocket(handle, told('close')), expected: ['accept ECANCELED', 'close ok'] };
  },
  'a WSARecvFrom': ({ pal, platform, told }) => {
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    pal.asyncReceiveFrom(handle, Buffer.alloc(10), 10, told('receive'));
    platform.run();
    return { close: () => pal.closeSocket(handle, told('close')), expected: ['receive ECANCELED', 'close ok'] };
  },
};

describe('a cancel that misses its operation', () => {
  for (const [what, begin] of Object.entries(PENDING)) {
    it(`is repeated, so that the close of a socket with ${what} ends`, async () => {
      for (const profile of ['windows', 'wine'] as const) {
        const scene = bench(profile, MISSED);
        const { close, expected } = begin(scene);
        close();
        await rest(scene.platform, scene.log, expected.length);
        expect(scene.log, profile).to.deep.equal(expected);
        expect(scene.platform.faults?.met, 'cancels that missed').to.equal(1);
        await scene.stop();
      }
    });

    // As long as another process has the server, no closesocket of ours ends an accept.
    if (what.includes('another process')) continue;
    it(`again and again ends in closesocket, which cancels ${what} itself`, async () => {
      const scene = bench('windows', ALL_MISSED);
      const { close, expected } = begin(scene);
      close();
      await rest(scene.platform, scene.log, expected.length);
      expect(scene.log).to.deep.equal(expected);
      expect(scene.platform.faults?.met, 'cancels that missed').to.be.above(10);
      await scene.stop();
    });
  }

  for (const [what, begin] of Object.entries(CLOSED_AT_ONCE)) {
    it(`is followed by closesocket, which cancels ${what} itself`, async () => {
      const scene = bench('windows', ALL_MISSED);
      const { close, expected } = begin(scene);
      close();
      await rest(scene.platform, scene.log, expected.length);
      expect(scene.log).to.deep.equal(expected);
      expect(scene.platform.faults?.met, 'cancels that missed').to.equal(1);
      await scene.stop();
    });
  }

  it('is repeated for a write that was to be truncated, on a socket that stays open', async () => {
    const { platform, pal, log, told, connect, stop } = bench('windows', MISSED);
    const name = pal.asyncWrite(connect(), new Uint8Array(5000), {}, told('write'));
    platform.run();
    expect(pal.cancel(name, { hard: true })).to.equal(true);
    await rest(platform, log, 1);
    expect(log).to.deep.equal(['write ECANCELED']);
    await stop();
  });

  it('is repeated for a read whose time is over', async () => {
    const { platform, pal, log, told, connect, stop } = bench('windows', MISSED);
    const socket = connect();
    pal.asyncRead(socket, Buffer.alloc(10), 10, { timeout: 10 }, told('read'));
    await rest(platform, log, 1);
    expect(log).to.deep.equal(['read ETIMEDOUT']);
    await stop();
  });

  it('does no harm to the loop that stops meanwhile', async () => {
    for (const plan of [MISSED, ALL_MISSED]) {
      const scene = bench('windows', plan);
      const { expected } = PENDING['a TransmitFile']!(scene);
      await scene.stop();
      expect(scene.log).to.deep.equal(expected.slice(0, 1));
    }
  });

  for (const what of ['a TransmitFile', 'a WSASend', 'a WSASend and a WSARecv'] as const) {
    it(`on Wine, at random: the close of a socket with ${what} ends`, async () => {
      let missed = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const scene = bench('wine', [], seed);
        const { close, expected } = PENDING[what]!(scene);
        close();
        const sends = [...scene.platform.ledger].filter(({ kind }) => kind === 'WSASend' || kind === 'TransmitFile');
        await rest(scene.platform, scene.log, expected.length);
        expect(scene.log, `seed ${seed}`).to.have.members(expected);
        expect(scene.log.at(-1), `seed ${seed}`).to.equal('close ok');
        missed += sends.filter(({ wasMissed }) => wasMissed).length;
        await scene.stop();
      }
      expect(missed, 'cancels that missed').to.be.above(SEEDS / 10);
    });
  }
});
