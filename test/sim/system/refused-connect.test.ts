/** How long a connect takes where nobody listens. Windows repeats the SYN for two seconds unless it is asked not to. */
import { expect } from 'chai';
import { SIO_TCP_INITIAL_RTO } from '../../../ffi/constants.ts';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { simulateKernel, type SimulatedKernel } from '../../../src/sim/index.ts';

/** TCP port 9, discard: nobody is there. */
const NOBODY = 9;

interface Bench {
  readonly kernel: SimulatedKernel;
  readonly pal: NetworkPal;
  readonly end: () => Promise<void>;
}

function start(): Bench {
  const kernel = simulateKernel({ seed: 0, profile: 'windows', keepAlive: true });
  const pal = createNetworkPal({ kernel, strict: true, maxOperations: 64 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const end = async (): Promise<void> => {
    void pal.stopEventLoop();
    await kernel.settle();
    await ended;
  };
  return { kernel, pal, end };
}

/** A system that does not know SIO_TCP_INITIAL_RTO: Windows before 10 1709. */
function forgetInitialRto({ ws2_32 }: SimulatedKernel): void {
  const original = ws2_32.WSAIoctl.bind(ws2_32);
  ws2_32.WSAIoctl = (...args) => (args[1] === SIO_TCP_INITIAL_RTO ? -1 : original(...args));
}

/** Virtual milliseconds until a connect is refused. */
async function refusedAfter({ kernel, pal }: Bench, address: string): Promise<number> {
  const begun = kernel.scheduler.now();
  let code = '';
  let answered = NaN;
  pal.asyncConnect(address, NOBODY, {}, (error) => {
    code = error?.code ?? 'connected';
    answered = kernel.scheduler.now() - begun;
  });
  await kernel.settle();
  expect(code).to.equal('ECONNREFUSED');
  return answered;
}

describe('a connect that nobody answers, on simulated Windows', () => {
  for (const address of ['127.0.0.1', '127.5.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::']) {
    it(`is refused at once at ${address}, which is this machine`, async () => {
      const bench = start();
      expect(await refusedAfter(bench, address)).to.equal(0);
      await bench.end();
    });
  }

  it('is refused after two seconds where the SYN is repeated', async () => {
    const bench = start();
    forgetInitialRto(bench.kernel);
    expect(await refusedAfter(bench, '127.0.0.1')).to.equal(2000);
    await bench.end();
  });

  it('succeeds where the SYN is repeated, and somebody listens by then', async () => {
    const bench = start();
    const { kernel, pal } = bench;
    forgetInitialRto(kernel);
    let outcome = '';
    pal.asyncConnect('127.0.0.1', NOBODY, {}, (error) => {
      outcome = error?.code ?? 'connected';
    });
    await kernel.settle(() => kernel.scheduler.now() >= 700);
    pal.createServer('127.0.0.1', NOBODY);
    await kernel.settle();
    expect(outcome).to.equal('connected');
    await bench.end();
  });
});
