/**
 * The modules that the tests of iocp-pal/net run on: node:net itself, so that they state Node's behaviour and not ours, and ours on
 * the simulated Windows (on any host), or on the real one.
 */
import nodeNet from 'node:net';
import { windowsNet } from '../../../src/net/windows-net.ts';
import { useThreadPal } from '../../../src/node-shape/thread-pal.ts';
import { beds, iocpSkipping, type Bed } from '../../support/beds.ts';
import { until } from '../../support/until.ts';
import type { NetworkPal } from '../../../src/index.ts';

/** One module with the shape of node:net. */
export interface NetBed {
  readonly name: string;
  readonly net: typeof nodeNet;
  /** True where it is iocp-pal/net. */
  readonly ours: boolean;
}

/** Describes `title` once per module. What the tests of ours leave behind fails them. */
export function onEveryNet(title: string, suite: (bed: NetBed) => void): void {
  describe(`${title} [node:net]`, () => suite({ name: 'node:net', net: nodeNet, ours: false }));
  for (const bed of palBeds()) {
    describe(`${title} [iocp-pal/net, ${bed.name}]`, () => {
      givePal(bed);
      suite({ name: bed.name, net: windowsNet, ours: true });
    });
  }
}

function palBeds(): readonly Bed[] {
  return beds.some(({ real }) => real) ? [iocpSkipping] : beds.filter(({ real }) => !real);
}

/** One PAL for the suite, on which nothing may be left after a test. */
function givePal(bed: Bed): void {
  let pal: NetworkPal;
  let running: Promise<void>;

  before(() => {
    pal = bed.create({ strict: true, trackOrigins: true });
    pal.initialize();
    running = pal.runEventLoop();
  });
  beforeEach(() => useThreadPal(pal));
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') return;
    await until(
      () => pal.stats().sockets + pal.stats().servers + pal.stats().pendingCallbacks === 0,
      () => `everything to be gone: ${pal.describe()}`,
      bed,
    );
  });
  after(async () => {
    useThreadPal(null);
    await pal.stopEventLoop();
    await running;
  });
}
