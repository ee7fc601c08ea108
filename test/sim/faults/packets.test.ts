/** Packets that match no operation: counted and dropped, or thrown on when the PAL is strict. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { simulatePlatform, type SimulatedPlatform } from '../../../src/sim/index.ts';
import { SLOT } from '../../../src/memory/operation.ts';
import { RawPeer } from '../support/raw-peer.ts';

/** The first handle of a process that stays open: the PAL's port. */
const PORT = 0x1c0;
/** The TCP port that the first bind to port 0 gets. */
const FIRST_PORT = 49152;

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  /** OVERLAPPED of the AcceptEx that is posted. */
  readonly accepting: number;
  readonly key: number;
}

function listening(strict: boolean): Bench {
  const platform = simulatePlatform({ seed: 0, keepAlive: true });
  const pal = createNetworkPal({ platform, strict, maxOperations: 64 });
  pal.initialize();
  void pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  const [io] = platform.ledger;
  if (io === undefined) throw new Error('No AcceptEx is posted');
  return { platform, pal, accepting: io.overlapped, key: server.handle };
}

const FOREIGN: Readonly<Record<string, (bench: Bench) => [key: number, overlapped: number]>> = {
  'an OVERLAPPED that is not ours': ({ key }) => [key, 0x7000_0000],
  'an OVERLAPPED between two of ours': ({ key, accepting }) => [key, accepting + 8],
  'a slot that is free': ({ key, accepting }) => [key, accepting + 128],
  'a slot under the key of another socket': ({ key, accepting }) => [key + 1, accepting],
  'a slot whose operation is still pending': ({ key, accepting }) => [key, accepting],
  'no OVERLAPPED and an unknown key': () => [77, 0],
};

describe('a packet that names', () => {
  for (const [what, make] of Object.entries(FOREIGN)) {
    it(`${what} is dropped`, () => {
      const bench = listening(false);
      const [key, overlapped] = make(bench);
      bench.platform.kernel32.PostQueuedCompletionStatus(PORT, 1, key, overlapped);
      bench.platform.run();
      expect(bench.pal.stats()).to.include({ droppedPackets: 1 });
      expect(bench.pal.stats().operations.accept).to.equal(1);
    });

    it(`${what} throws, when strict`, () => {
      const bench = listening(true);
      const [key, overlapped] = make(bench);
      bench.platform.kernel32.PostQueuedCompletionStatus(PORT, 1, key, overlapped);
      expect(() => bench.platform.run()).to.throw('A completion packet was dropped');
    });
  }

  it('an operation that has ended, under the key of another socket, throws, when strict', () => {
    const { platform, accepting, key } = listening(true);
    const peer = new RawPeer(platform.network, platform.network.platform());
    platform.kernel32.PostQueuedCompletionStatus(PORT, 1, key + 1, accepting);
    peer.connect(FIRST_PORT); // so that the operation is not pending any more when the packet is looked at
    expect(() => platform.run()).to.throw('under the key');
  });

  it('an operation whose context was overwritten throws', () => {
    const { platform, pal, accepting } = listening(false);
    const region = platform.memory.at(accepting, 128, 'the context');
    region.setUint32(accepting + SLOT.GENERATION, 0x5555);
    pal.asyncConnect('127.0.0.1', FIRST_PORT, {}, () => undefined);
    expect(() => platform.run()).to.throw('was overwritten in native memory');
  });
});
