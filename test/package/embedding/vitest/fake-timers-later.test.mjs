import * as iocpPal from 'iocp-pal';
import { echoAndTimeOut, everything } from './echoes.mjs';

afterEach(() => vi.useRealTimers());

for (const poller of ['worker', 'inline']) {
  test(`${poller}, what vitest fakes by itself`, () => {
    vi.useFakeTimers();
    return echoAndTimeOut(iocpPal, { poller });
  });

  test(`${poller}, everything that it can fake`, () => {
    vi.useFakeTimers({ toFake: everything() });
    return echoAndTimeOut(iocpPal, { poller });
  });
}
