/**
 * What the tests of a face in the shape of one of Node's modules run on: Node's module itself, so that they state Node's behaviour and
 * not ours, and the face on the simulated Windows (on any host), or on the real one.
 */
import { useThreadPal } from '../../src/node-shape/thread-pal.ts';
import { beds, iocpSkipping, type Bed } from './beds.ts';
import { until } from './until.ts';
import type { NetworkPal } from '../../src/index.ts';

/** Describes `title` once for Node's module and once for ours on each bed. What the tests of ours leave behind fails them. */
export function onNodesAndOurs(title: string, module: string, suite: (ours: boolean, bed: Bed | null) => void): void {
  describe(`${title} [node:${module}]`, () => suite(false, null));
  for (const bed of palBeds()) {
    describe(`${title} [iocp-pal/${module}, ${bed.name}]`, () => {
      givePal(bed);
      suite(true, bed);
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
      () => pal.stats().sockets + pal.stats().servers + pal.stats().udpSockets + pal.stats().pendingCallbacks === 0,
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
