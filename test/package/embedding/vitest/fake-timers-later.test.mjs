import * as iocpPal from 'iocp-pal';
import { echoAndTimeOut, everything } from './echoes.mjs';

afterEach(() => vi.useRealTimers());

for (const waiter of ['worker', 'inline']) {
  test(`${waiter}, what vitest fakes by itself`, () => {
    vi.useFakeTimers();
    return echoAndTimeOut(iocpPal, { waiter });
  });

  test(`${waiter}, everything that it can fake`, () => {
    vi.useFakeTimers({ toFake: everything() });
    return echoAndTimeOut(iocpPal, { waiter });
  });
}
