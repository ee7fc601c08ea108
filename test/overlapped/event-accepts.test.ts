/** The event for the accepts of a shared listening socket, on a waiter that the test plays itself. */
import { expect } from 'chai';
import type { BackendParts } from '../../src/context/transport.ts';
import { EventAccepts } from '../../src/overlapped/event-accepts.ts';
import type { EventWaiterParts, PortWaiter } from '../../src/platform/platform.ts';
import type { SocketRecord } from '../../src/sockets/socket-record.ts';

const EVENT = 40;

/** The waiter's calls, in their order; its end is the test's to say. */
function bench(): { calls: string[]; accepts: EventAccepts; signal: () => void; endThread: () => void } {
  const calls: string[] = [];
  let signal = (): void => undefined;
  let endThread = (): void => undefined;
  const waiter: PortWaiter = {
    armed: false,
    arm: () => calls.push('arm'),
    take: () => calls.push('take'),
    takeWaits: () => 0,
    ref: () => undefined,
    unref: () => undefined,
    stop: () => {
      calls.push('stop');
      return new Promise((resolve) => (endThread = resolve));
    },
  };
  const platform = {
    kernel32: {
      CreateEventW: () => EVENT,
      CloseHandle: (handle: number) => calls.push(`CloseHandle ${handle}`),
    },
    createEventWaiter: ({ onReady }: EventWaiterParts) => {
      signal = onReady;
      return waiter;
    },
  };
  const parts = { platform, counters: { syscalls: { CreateEventW: 0 } } } as unknown as BackendParts;
  const accepts = new EventAccepts(parts, (error) => calls.push(error.message));
  accepts.add({ closed: true, operations: () => [] } as unknown as SocketRecord);
  return { calls, accepts, signal: () => signal(), endThread: () => endThread() };
}

describe('overlapped/event-accepts', () => {
  it('is armed once there is a socket, and again after each signal', () => {
    const { calls, signal } = bench();
    expect(calls).to.deep.equal(['arm']);
    signal();
    expect(calls).to.deep.equal(['arm', 'take', 'arm']);
  });

  it('leaves its thread alone when a signal comes while that ends, and closes the event behind it', async () => {
    const { calls, accepts, signal, endThread } = bench();
    const closed = accepts.close();
    signal();
    expect(calls).to.deep.equal(['arm', 'stop']);
    endThread();
    await closed;
    expect(calls).to.deep.equal(['arm', 'stop', `CloseHandle ${EVENT}`]);
  });
});
