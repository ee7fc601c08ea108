/** WSAPoll fails, in a turn or in a wait: it is told once, nothing is waited for any more, and cancels end what was pending. */
import { expect } from 'chai';
import { POLLNVAL } from '../../ffi/constants.ts';
import { Win32Error } from '../../ffi/check.ts';
import { ERROR_OPERATION_ABORTED, WSAENETDOWN, WSAENOTSOCK } from '../../ffi/wsa-errors.ts';
import type { AnyHandle } from '../../src/index.ts';
import { Connection } from '../../src/tcp/connection/connection.ts';
import { connectionKind } from '../../src/tcp/connection-kind.ts';
import { OperationKind } from '../../src/memory/operation.ts';
import { PolledTransport } from '../../src/wsapoll/polled-transport.ts';
import { PollSet } from '../../src/wsapoll/poll-set.ts';
import { FakePoll, WAKE_SOCKET } from './fake-poll.ts';

const SOCKET = 0x3_0000_0004;

/** A receive that waits, on a set whose every WSAPoll fails from now on when `code` is set. */
function begin(): { fake: FakePoll; set: PollSet; cancel: () => void; timers: (() => void)[] } {
  const fake = new FakePoll();
  const timers: (() => void)[] = [];
  Object.assign(fake.parts.platform.scheduler, {
    setTimer: (_ms: number, callback: () => void) => timers.push(callback),
  });
  const set = new PollSet(fake.parts, fake.makeWaiter);
  const transport = new PolledTransport(fake.parts, set);
  const connection = new Connection(connectionKind, 1 as AnyHandle, 4, 0, undefined);
  connection.socket = SOCKET;
  transport.attach(connection);
  const operation = fake.parts.operations.take(OperationKind.Receive, connection);
  if (operation === null) throw new Error('No operation is free');
  transport.receive(connection, operation);
  return { fake, set, timers, cancel: () => transport.cancelOperation(connection, operation) };
}

function expectLost({ fake, set, cancel, timers }: ReturnType<typeof begin>, code: number): void {
  expect(fake.failures.map((error) => ('systemErrorCode' in error ? error.systemErrorCode : 0))).to.deep.equal([code]);
  const { WSAPoll } = fake.counters.syscalls;
  set.wait();
  expect(set.waiting, 'a timer wakes the loop').to.equal(true);
  expect(timers).to.have.lengthOf(1);
  cancel();
  timers[0]?.();
  expect(set.waiting).to.equal(false);
  expect([set.take(), set.poll()], 'nothing is asked').to.deep.equal([0, 0]);
  expect(fake.counters.syscalls.WSAPoll).to.equal(WSAPoll);
  expect(fake.completed.map(({ error }) => error)).to.deep.equal([ERROR_OPERATION_ABORTED]);
  expect(fake.failures, 'told once').to.have.lengthOf(1);
}

describe('a WSAPoll that fails', () => {
  it('in a turn', async () => {
    const world = begin();
    world.fake.pollFails = WSAENETDOWN;
    expect(world.set.poll()).to.equal(0);
    expectLost(world, WSAENETDOWN);
    await world.set.close();
    expect(world.fake.openSockets).to.equal(0);
  });

  it('in a wait, with a change noted meanwhile', async () => {
    const world = begin();
    world.set.wait();
    world.fake.fail(new Win32Error('WSAPoll', WSAENETDOWN));
    expectLost(world, WSAENETDOWN);
    await world.set.close();
  });

  it('for its own wake-up socket, which somebody has closed: it would return at once for ever', async () => {
    const world = begin();
    world.fake.revents.set(WAKE_SOCKET, POLLNVAL);
    expect(world.set.poll()).to.equal(0);
    expectLost(world, WSAENOTSOCK);
    await world.set.close();
  });
});
