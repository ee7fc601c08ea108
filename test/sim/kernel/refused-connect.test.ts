/** How long a connect takes where nobody listens. Windows repeats the SYN for two seconds unless it is asked not to. */
import { expect } from 'chai';
import { SIO_TCP_INITIAL_RTO } from '../../../ffi/constants.ts';
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { simulatePlatform, type SimulatedPlatform } from '../../../src/sim/index.ts';

/** TCP port 9, discard: nobody is there. */
const NOBODY = 9;

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly end: () => Promise<void>;
}

function start(): Bench {
  const platform = simulatePlatform({ seed: 0, profile: 'windows', keepAlive: true });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const end = async (): Promise<void> => {
    void pal.stopEventLoop();
    await platform.settle();
    await ended;
  };
  return { platform, pal, end };
}

/** A system that does not know SIO_TCP_INITIAL_RTO: Windows before 10 1709. */
function forgetInitialRto({ ws2_32 }: SimulatedPlatform): void {
  const original = ws2_32.WSAIoctl.bind(ws2_32);
  ws2_32.WSAIoctl = (...args) => (args[1] === SIO_TCP_INITIAL_RTO ? -1 : original(...args));
}

/** Virtual milliseconds until a connect is refused. */
async function refusedAfter({ platform, pal }: Bench, address: string): Promise<number> {
  const begun = platform.scheduler.now();
  let code = '';
  let answered = NaN;
  pal.asyncConnect(address, NOBODY, {}, (error) => {
    code = error?.code ?? 'connected';
    answered = platform.scheduler.now() - begun;
  });
  await platform.settle();
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
    forgetInitialRto(bench.platform);
    expect(await refusedAfter(bench, '127.0.0.1')).to.equal(2000);
    await bench.end();
  });

  it('succeeds where the SYN is repeated, and somebody listens by then', async () => {
    const bench = start();
    const { platform, pal } = bench;
    forgetInitialRto(platform);
    let outcome = '';
    pal.asyncConnect('127.0.0.1', NOBODY, {}, (error) => {
      outcome = error?.code ?? 'connected';
    });
    await platform.settle(() => platform.scheduler.now() >= 700);
    pal.createServer('127.0.0.1', NOBODY);
    await platform.settle();
    expect(outcome).to.equal('connected');
    await bench.end();
  });
});
