/** What operations make of readiness, where the system's answers are hard to get by: on a platform that answers what the test says. */
import { expect } from 'chai';
import {
  POLLERR,
  POLLHUP,
  POLLNVAL,
  POLLRDNORM,
  POLLWRNORM,
  SIO_TCP_INITIAL_RTO,
  SOCKET_ERROR,
} from '../../ffi/constants.ts';
import { sockaddr_in } from '../../ffi/layouts.ts';
import {
  ERROR_OPERATION_ABORTED,
  WSAECONNREFUSED,
  WSAECONNRESET,
  WSAENOBUFS,
  WSAENOTSOCK,
} from '../../ffi/wsa-errors.ts';
import type { Ws2_32 } from '../../ffi/ws2_32.ts';
import type { AnyHandle } from '../../src/index.ts';
import { loopback, parseIpAddress } from '../../src/pal/ip-address.ts';
import { Connection } from '../../src/tcp/connection/connection.ts';
import { connectionKind } from '../../src/tcp/connection-kind.ts';
import { SendToRequest } from '../../src/udp/datagram-requests.ts';
import { datagramKind } from '../../src/udp/datagram-kind.ts';
import { DatagramSocket } from '../../src/udp/datagram-socket.ts';
import { OperationKind, type Operation } from '../../src/memory/operation.ts';
import { ResolvedDestination } from '../../src/sockets/socket-addresses.ts';
import { PolledTransport } from '../../src/wsapoll/polled-transport.ts';
import { PollSet } from '../../src/wsapoll/poll-set.ts';
import { FakePoll } from './fake-poll.ts';

const SOCKET = 0x3_0000_0004;
const IGNORED = { ready: () => undefined, refused: () => undefined, resting: false, rested: () => undefined };

interface World {
  fake: FakePoll;
  set: PollSet;
  transport: PolledTransport;
  connection: Connection;
  take: (kind: OperationKind) => Operation;
  /** One poll, dispatched. */
  poll: () => void;
}

function world(): World {
  const fake = new FakePoll();
  const set = new PollSet(fake.parts, fake.makeWaiter);
  const transport = new PolledTransport(fake.parts, set);
  const connection = new Connection(connectionKind, 1 as AnyHandle, 4, 0, undefined);
  connection.socket = SOCKET;
  transport.attach(connection);
  const take = (kind: OperationKind): Operation => {
    const operation = fake.parts.operations.take(kind, connection);
    if (operation === null) throw new Error('No operation is free');
    return operation;
  };
  const poll = (): void => {
    const count = set.poll();
    for (let index = 0; index < count; index++) set.dispatch(index);
  };
  return { fake, set, transport, connection, take, poll };
}

describe('PolledTransport', () => {
  it('ends each operation once, with "no buffers", when the poll set has no memory for the socket', () => {
    const { fake, set, transport, connection, take } = world();
    for (let socket = 1; socket < 256; socket++) {
      set.changed({ socket, wanted: POLLRDNORM, connecting: false, place: -1, noted: false, ...IGNORED });
    }
    fake.exhausted = true;
    const operations = [take(OperationKind.ZeroByteReceive), take(OperationKind.Receive)];
    set.wait();
    for (const operation of operations) transport.receive(connection, operation);
    expect(fake.completed).to.deep.equal([]);
    fake.wait();
    set.take();
    expect(new Set(fake.completed)).to.deep.equal(new Set(operations));
    expect(fake.completed.map(({ error }) => error)).to.deep.equal([WSAENOBUFS, WSAENOBUFS]);
  });

  it('sends a datagram that had to wait to where it goes by then: its socket may have lost its peer', () => {
    const { fake, transport, poll } = world();
    const socket = new DatagramSocket(datagramKind, 2 as AnyHandle, 4, 0, undefined);
    socket.socket = SOCKET + 4;
    transport.attach(socket);
    const lengths: number[] = [];
    Object.assign(fake.parts.platform.ws2_32, {
      WSASendTo: (...[, , , , , to, length]: Parameters<Ws2_32['WSASendTo']>) => {
        lengths.push(to === 0 ? 0 : length);
        return lengths.length === 1 ? SOCKET_ERROR : 0; // WSAEWOULDBLOCK
      },
    });
    const operation = fake.parts.operations.take(OperationKind.SendTo, socket);
    if (operation === null) throw new Error('No operation is free');
    operation.datagram = new SendToRequest();
    transport.sendTo(socket, operation);
    operation.datagram.destination = new ResolvedDestination('127.0.0.1', loopback(4), 9);
    fake.revents.set(socket.socket, POLLWRNORM);
    poll();
    expect(fake.completed).to.deep.equal([operation]);
    expect(lengths).to.deep.equal([0, sockaddr_in.size]);
  });

  for (const [what, address, asked] of [
    ['loopback asks for a single SYN', loopback(4), true],
    ['elsewhere leaves the SYNs as they are', parseIpAddress('192.0.2.1'), false],
  ] as const) {
    it(`a connect to ${what}`, () => {
      const { fake, transport, connection, take } = world();
      if (address === null) throw new Error('No address');
      const controls: number[] = [];
      Object.assign(fake.parts.platform.ws2_32, {
        connect: () => {
          controls.push(...fake.controls.map(({ socket, code }) => (socket === SOCKET ? code : 0)));
          return SOCKET_ERROR;
        },
      });
      transport.connect(connection, take(OperationKind.Connect), address, 1);
      expect(controls, 'before connect()').to.deep.equal(asked ? [SIO_TCP_INITIAL_RTO] : []);
    });
  }

  it('a failed connect that WSAPoll does not report is found by the check', () => {
    // Windows before 10 2004: revents stay 0 for ever, and only SO_ERROR knows.
    const { fake, transport, connection, take, poll } = world();
    const operation = take(OperationKind.Connect);
    transport.connect(connection, operation, loopback(4), 1);
    fake.now = 300;
    poll();
    expect(fake.completed, 'still connecting').to.deep.equal([]);
    fake.errors.set(SOCKET, WSAECONNREFUSED);
    fake.now = 600;
    poll();
    expect(fake.completed).to.deep.equal([operation]);
    expect(operation.error).to.equal(WSAECONNREFUSED);
    expect(fake.entries().length, 'left the set').to.equal(1);
  });

  for (const revents of [POLLERR, POLLERR | POLLHUP, POLLERR | POLLHUP | POLLWRNORM]) {
    it(`a connect that ends with ${revents}, and of which SO_ERROR says nothing, has failed`, () => {
      const { fake, transport, connection, take, poll } = world();
      const operation = take(OperationKind.Connect);
      transport.connect(connection, operation, loopback(4), 1);
      fake.revents.set(SOCKET, revents);
      poll();
      expect(fake.completed).to.deep.equal([operation]);
      expect(operation.error).to.equal(WSAECONNREFUSED);
    });
  }

  it('POLLNVAL ends everything that waits on the socket with WSAENOTSOCK', () => {
    const { fake, transport, connection, take, poll } = world();
    const operations = [take(OperationKind.Receive), take(OperationKind.ZeroByteReceive)];
    for (const operation of operations) transport.receive(connection, operation);
    fake.revents.set(SOCKET, POLLNVAL);
    poll();
    expect(fake.completed).to.have.members(operations);
    for (const { error } of operations) expect(error).to.equal(WSAENOTSOCK);
    expect(fake.entries().length).to.equal(1);
  });

  it('a zero-byte receive beside a receive: each gets its end', () => {
    // The later one used to take the place of the earlier, which then never ended.
    const { fake, transport, connection, take, poll } = world();
    const zeroByte = take(OperationKind.ZeroByteReceive);
    zeroByte.requested = 0;
    const other = take(OperationKind.Receive);
    other.requested = 0;
    transport.receive(connection, zeroByte);
    transport.receive(connection, other);
    fake.revents.set(SOCKET, POLLRDNORM);
    poll();
    expect(fake.completed).to.have.members([zeroByte, other]);
    for (const { error } of fake.completed) expect(error).to.equal(0);
  });

  for (const [what, revents, error] of [
    ['a reset with nothing to read is the zero-byte receive’s error', POLLERR | POLLHUP, WSAECONNRESET],
    ['a reset behind data is data first', POLLERR | POLLHUP | POLLRDNORM, 0],
    ['a graceful end is no error', POLLHUP, 0],
  ] as const) {
    it(what, () => {
      const { fake, transport, connection, take, poll } = world();
      const zeroByte = take(OperationKind.ZeroByteReceive);
      zeroByte.requested = 0;
      transport.receive(connection, zeroByte);
      fake.revents.set(SOCKET, revents);
      poll();
      expect(fake.completed).to.deep.equal([zeroByte]);
      expect(zeroByte.error).to.equal(error);
    });
  }

  it('what throws in the call of a ready operation ends that one, and the others have their turn', () => {
    // It used to go out of the turn as an uncaught exception, and the operation was tried again for ever.
    const { fake, transport, connection, take, poll } = world();
    const [receive, zeroByte] = [take(OperationKind.Receive), take(OperationKind.ZeroByteReceive)];
    receive.requested = 10;
    zeroByte.requested = 0;
    for (const operation of [receive, zeroByte]) transport.receive(connection, operation);
    const thrown = new RangeError('Maximum call stack size exceeded');
    Object.assign(fake.parts.platform.ws2_32, {
      WSARecv: () => {
        throw thrown;
      },
    });
    fake.revents.set(SOCKET, POLLRDNORM);
    poll();
    expect(fake.completed).to.deep.equal([zeroByte, receive]);
    expect(fake.completed.map(({ error }) => error)).to.deep.equal([0, WSAENOBUFS]);
    expect(receive.thrown).to.equal(thrown);
    expect(fake.entries().length, 'left the set').to.equal(1);
  });

  it('a cancelled operation ends although the wait cannot be interrupted for it', () => {
    const { fake, set, transport, connection, take } = world();
    const operation = take(OperationKind.Receive);
    connection.read.begin(operation);
    transport.receive(connection, operation);
    set.wait();
    Object.assign(fake.parts.platform.ws2_32, {
      WSASendTo: () => {
        throw new RangeError('Maximum call stack size exceeded');
      },
    });
    expect(() => transport.cancelAll(connection)).to.throw(RangeError);
    expect(fake.completed).to.deep.equal([operation]);
  });

  it('cancelling takes the socket out of the set, and the operation ends once', () => {
    const { fake, transport, connection, take, poll } = world();
    const operation = take(OperationKind.Receive);
    connection.read.begin(operation);
    transport.receive(connection, operation);
    expect(fake.entries().length).to.equal(2);
    transport.cancelAll(connection);
    fake.revents.set(SOCKET, POLLRDNORM);
    poll();
    expect(fake.completed).to.deep.equal([operation]);
    expect(operation.error).to.equal(ERROR_OPERATION_ABORTED);
    expect(fake.entries().length).to.equal(1);
  });
});
