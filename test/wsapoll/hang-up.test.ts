/**
 * After the peer's FIN, WSAPoll reports POLLHUP for as long as the socket lives, asked or not (WSAPOLLFD's page). A send that
 * waits for room has no use for that.
 */
import { expect } from 'chai';
import { POLLHUP, POLLRDNORM, POLLWRNORM, SOCKET_ERROR } from '../../ffi/constants.ts';
import type { AnyHandle } from '../../src/index.ts';
import { loopback } from '../../src/pal/ip-address.ts';
import { Connection } from '../../src/tcp/connection/connection.ts';
import { connectionKind } from '../../src/tcp/connection-kind.ts';
import { SLOT, OperationKind, type Operation } from '../../src/memory/operation.ts';
import { PolledTransport } from '../../src/wsapoll/polled-transport.ts';
import { PollSet } from '../../src/wsapoll/poll-set.ts';
import { FakePoll } from './fake-poll.ts';

const SOCKET = 0x3_0000_0004;

class World {
  readonly fake = new FakePoll();
  readonly set = new PollSet(this.fake.parts, this.fake.makeWaiter);
  readonly transport = new PolledTransport(this.fake.parts, this.set);
  readonly connection = new Connection(connectionKind, 1 as AnyHandle, 4, 0, undefined);
  /** Waits that have returned. */
  returns = 0;
  /** Bytes that the next WSASend takes; 0: it would block. */
  room = 0;
  sends = 0;

  constructor() {
    this.connection.socket = SOCKET;
    this.transport.attach(this.connection);
    this.fake.parts.platform.ws2_32.WSASend = (_socket, _buffers, _count, bytesAt) => {
      this.sends++;
      if (this.room === 0) return SOCKET_ERROR; // FakePoll's last error is WSAEWOULDBLOCK
      const { words } = this.fake.parts.operations;
      for (const operation of this.pending) {
        if (operation.address + SLOT.BYTES === bytesAt) words[operation.word + SLOT.BYTES / 4] = this.room;
      }
      return 0;
    };
  }

  readonly pending: Operation[] = [];

  start(kind: OperationKind): Operation {
    const operation = this.fake.parts.operations.take(kind, this.connection);
    if (operation === null) throw new Error('No operation is free');
    this.pending.push(operation);
    if (kind === OperationKind.Send) this.transport.send(this.connection, operation, 1);
    else if (kind === OperationKind.Connect) this.transport.connect(this.connection, operation, loopback(4), 1);
    else if (kind === OperationKind.Accept) this.transport.accept(this.connection, operation);
    else this.transport.receive(this.connection, operation);
    return operation;
  }

  /** The loop of a process with nothing else to do, for so many milliseconds; no more than 10 000 returns of its wait. */
  run(ms: number): void {
    const { fake, set } = this;
    const end = fake.now + ms;
    while (fake.now < end && this.returns < 10_000) {
      set.wait();
      const reports = fake.entries().some(({ socket }) => (fake.revents.get(socket) ?? 0) !== 0);
      if (!reports) fake.now = Math.min(end, fake.now + (fake.limitMs === 0 ? ms : fake.limitMs));
      this.returns++;
      fake.wait();
      const count = set.take();
      for (let index = 0; index < count; index++) set.dispatch(index);
    }
  }
}

describe('a hang-up, under WSAPoll', () => {
  it('does not keep the loop busy while a send waits for room', () => {
    const world = new World();
    world.start(OperationKind.Send);
    world.fake.revents.set(SOCKET, POLLHUP);
    world.run(1000);
    expect(world.fake.now).to.equal(1000);
    // A hundred looks, each with the return that ends the rest and the one that reports the hang-up again.
    expect(world.returns).to.be.within(100, 220);
    expect(world.fake.completed).to.deep.equal([]);
  });

  it('is no reason to forget the send: it goes on within two looks', () => {
    const world = new World();
    const operation = world.start(OperationKind.Send);
    world.fake.revents.set(SOCKET, POLLHUP);
    world.run(500);
    world.room = 77;
    world.fake.revents.set(SOCKET, POLLHUP | POLLWRNORM);
    world.run(20);
    expect(world.fake.completed).to.deep.equal([operation]);
    expect(operation).to.include({ error: 0, bytes: 77 });
    expect(world.fake.entries().map(({ socket }) => socket)).to.not.include(SOCKET);
    expect(world.fake.limitMs, 'nobody rests any more').to.equal(0);
  });

  it('ends a receive at once that comes while the send rests', () => {
    const world = new World();
    world.start(OperationKind.Send);
    world.fake.revents.set(SOCKET, POLLHUP);
    world.run(105);
    expect(world.fake.entries().map(({ socket }) => socket)).to.not.include(SOCKET);
    const zeroByte = world.start(OperationKind.ZeroByteReceive);
    expect(world.fake.entries().at(-1)).to.deep.equal({ socket: SOCKET, events: POLLRDNORM | POLLWRNORM });
    world.run(1);
    expect(world.fake.completed).to.deep.equal([zeroByte]);
    world.returns = 0;
    world.run(1000);
    expect(world.returns, 'and the send rests again').to.be.within(100, 220);
  });

  it('costs nothing when the socket leaves, or its send is cancelled, meanwhile', () => {
    for (const leave of [false, true]) {
      const world = new World();
      const operation = world.start(OperationKind.Send);
      world.fake.revents.set(SOCKET, POLLHUP);
      world.run(105);
      if (leave) world.transport.detach(world.connection);
      else world.transport.cancelOperation(world.connection, operation);
      world.returns = 0;
      world.run(1000);
      expect(world.returns, String(leave)).to.be.at.most(3);
      expect(world.fake.limitMs).to.equal(0);
    }
  });

  it('that nobody can use ends an endless report for an accept and a connect too', () => {
    for (const kind of [OperationKind.Accept, OperationKind.Connect]) {
      const world = new World();
      world.start(kind);
      world.fake.revents.set(SOCKET, POLLHUP);
      world.run(1000);
      expect(world.returns, kind.toString()).to.be.below(230);
    }
  });
});
