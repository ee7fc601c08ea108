// The package is loaded when the timers are fake already. Each file has a thread or process of its own, so this is its first time.
import { echoAndTimeOut, everything } from './echoes.mjs';

const { setTimeout, setImmediate } = globalThis;
vi.useFakeTimers({ toFake: everything() });
const iocpPal = await import('iocp-pal');

test('the timers are fake', () => {
  expect(globalThis.setTimeout).not.toBe(setTimeout);
  expect(globalThis.setImmediate).not.toBe(setImmediate);
});

for (const waiter of ['worker', 'inline']) test(waiter, () => echoAndTimeOut(iocpPal, { waiter }));
