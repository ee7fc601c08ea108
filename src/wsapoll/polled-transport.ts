/**
 * Operations on non-blocking sockets: each waits for its readiness in the PollSet, then does its call, and is done.
 *
 * The contexts and blocks are the same as the completion port driver's, and so is everything above: only the kernel never
 * holds them here. A send is tried at once, since it nearly always succeeds; a receive waits first, since the peer has
 * nearly never answered yet.
 */
import { checkSocket, checkWinsock } from '../../ffi/check.ts';
import {
  FIONBIO,
  HANDLE_FLAG_INHERIT,
  INVALID_SOCKET,
  POLLERR,
  POLLNVAL,
  POLLRDNORM,
  POLLWRNORM,
  SO_ERROR,
  SOCKET_ERROR,
  SOL_SOCKET,
} from '../../ffi/constants.ts';
import { sockaddr_in6 } from '../../ffi/layouts.ts';
import { ERROR_OPERATION_ABORTED, WSAECONNRESET, WSAENOTSOCK, WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { IpAddress } from '../pal/ip-address.ts';
import type { Connection } from '../winsock/connection.ts';
import { DatagramSocket } from '../winsock/datagram-socket.ts';
import type { Listener } from '../winsock/listener.ts';
import { CONTEXT, OperationKind, OperationState, type Operation } from '../winsock/operation.ts';
import { readSockaddr } from '../winsock/scratch.ts';
import type { SocketRecord } from '../winsock/socket-record.ts';
import { getIntOption } from '../winsock/sockets.ts';
import type { BackendParts, Transport } from '../winsock/transport.ts';
import { DatagramMember } from './polled-datagrams.ts';
import type { PolledSocket, PollSet } from './poll-set.ts';

/** Where accept() leaves the peer's address in the operation's block. */
const ADDRESS_AT = 0;

export class PolledTransport implements Transport {
  /** accept() makes a socket of its own for every connection. */
  readonly disconnect = null;
  readonly #parts: BackendParts;
  readonly #set: PollSet;
  readonly #members = new Map<SocketRecord, Member>();
  readonly #datagramMembers = new Map<SocketRecord, DatagramMember>();

  constructor(parts: BackendParts, set: PollSet) {
    this.#parts = parts;
    this.#set = set;
  }

  attach(record: SocketRecord): void {
    const { kernel, counters, scratch } = this.#parts;
    scratch.view.setUint32(0, 1, true);
    counters.calls.ioctlsocket++;
    const result = kernel.ws2_32.ioctlsocket(record.socket, FIONBIO, scratch.address);
    checkWinsock(result, kernel.ws2_32, 'ioctlsocket(FIONBIO)');
    if (record instanceof DatagramSocket) {
      this.#datagramMembers.set(record, new DatagramMember(this.#parts, this.#set, record.socket));
    } else {
      this.#members.set(record, new Member(this.#parts, this.#set, record.socket));
    }
  }

  detach(record: SocketRecord): void {
    this.#members.get(record)?.leave();
    this.#members.delete(record);
    this.#datagramMembers.get(record)?.leave();
    this.#datagramMembers.delete(record);
  }

  move(from: Connection, to: Connection): void {
    this.#members.set(to, attached(this.#members, from));
    this.#members.delete(from);
  }

  prepareListener(): void {
    // accept() needs nothing.
  }

  receive(connection: Connection, operation: Operation): void {
    operation.syscall = 'WSARecv';
    operation.state = OperationState.Submitted;
    attached(this.#members, connection).receive(operation);
  }

  send(connection: Connection, operation: Operation, segments: number): void {
    operation.syscall = 'WSASend';
    operation.state = OperationState.Submitted;
    attached(this.#members, connection).send(operation, segments);
  }

  receiveFrom(socket: DatagramSocket, operation: Operation): void {
    operation.syscall = 'WSARecvFrom';
    operation.state = OperationState.Submitted;
    attached(this.#datagramMembers, socket).receive(operation);
  }

  sendTo(socket: DatagramSocket, operation: Operation, addressLength: number): void {
    operation.syscall = 'WSASendTo';
    operation.state = OperationState.Submitted;
    attached(this.#datagramMembers, socket).send(operation, addressLength);
  }

  /** An overlapped call, whose end only a completion port would tell. */
  canTransmit(): boolean {
    return false;
  }

  transmitFile(): void {
    throw new Error('TransmitFile is not for polled sockets. This is a bug in iocp-pal; please report it');
  }

  connect(connection: Connection, operation: Operation, address: IpAddress, port: number): void {
    const { kernel, counters, scratch, finishInline } = this.#parts;
    const length = scratch.setSockaddr(0, address, port);
    operation.syscall = 'connect';
    operation.state = OperationState.Submitted;
    counters.calls.connect++;
    const result = kernel.ws2_32.connect(connection.socket, scratch.address, length);
    const code = result === SOCKET_ERROR ? kernel.ws2_32.WSAGetLastError() : 0;
    if (code === WSAEWOULDBLOCK) attached(this.#members, connection).connect(operation);
    else finishInline(operation, code, 0);
  }

  finishConnect(): void {
    // connect() leaves a full socket.
  }

  accept(listener: Listener, operation: Operation): void {
    operation.syscall = 'accept';
    operation.state = OperationState.Submitted;
    attached(this.#members, listener).accept(operation);
  }

  finishAccept(_listener: Listener, { acceptSocket, block }: Operation): Endpoint | null {
    const { kernel, counters } = this.#parts;
    counters.calls.SetHandleInformation++;
    // accept() has no flag for it, so a child process started right now may still inherit the socket.
    kernel.kernel32.SetHandleInformation(acceptSocket, HANDLE_FLAG_INHERIT, 0);
    return block === null ? null : readSockaddr(block.bytes.subarray(ADDRESS_AT, ADDRESS_AT + sockaddr_in6.size));
  }

  cancelOperation(record: SocketRecord, operation: Operation): void {
    if (operation.state !== OperationState.Submitted) return;
    this.#members.get(record)?.forget(operation);
    this.#datagramMembers.get(record)?.forget(operation);
    this.#parts.finishInline(operation, ERROR_OPERATION_ABORTED, 0);
  }

  cancelAll(record: SocketRecord): void {
    for (const operation of record.operations()) this.cancelOperation(record, operation);
  }
}

function attached<Found>(members: ReadonlyMap<SocketRecord, Found>, record: SocketRecord): Found {
  const member = members.get(record);
  if (member !== undefined) return member;
  throw new Error(`Socket ${record.handle} is not attached. This is a bug in iocp-pal; please report it`);
}

/** One attached socket: the operations on it that wait. */
class Member implements PolledSocket {
  readonly socket: number;
  place = -1;
  noted = false;
  readonly #parts: BackendParts;
  readonly #set: PollSet;
  #receive: Operation | null = null;
  /** The readiness face's zero-byte receive. It may wait beside a receive: unwatch leaves it posted. */
  #probe: Operation | null = null;
  #send: Operation | null = null;
  #segments = 0;
  #connect: Operation | null = null;
  readonly #accepts = new Set<Operation>();
  #gone = false;

  constructor(parts: BackendParts, set: PollSet, socket: number) {
    this.#parts = parts;
    this.#set = set;
    this.socket = socket;
  }

  get wanted(): number {
    if (this.#gone) return 0;
    const read = this.#receive !== null || this.#probe !== null || this.#accepts.size > 0 ? POLLRDNORM : 0;
    const write = this.#send !== null || this.#connect !== null ? POLLWRNORM : 0;
    return read | write;
  }

  get connecting(): boolean {
    return !this.#gone && this.#connect !== null;
  }

  receive(operation: Operation): void {
    if (operation.kind === OperationKind.Probe) this.#probe = operation;
    else this.#receive = operation;
    this.#set.changed(this);
  }

  send(operation: Operation, segments: number): void {
    this.#segments = segments;
    const code = this.#trySend(operation);
    if (code === WSAEWOULDBLOCK) {
      this.#send = operation;
      this.#set.changed(this);
    } else {
      this.#parts.finishInline(operation, code, this.#transferred(operation));
    }
  }

  connect(operation: Operation): void {
    this.#connect = operation;
    this.#set.changed(this);
  }

  accept(operation: Operation): void {
    this.#accepts.add(operation);
    this.#set.changed(this);
  }

  forget(operation: Operation): void {
    if (this.#receive === operation) this.#receive = null;
    if (this.#probe === operation) this.#probe = null;
    if (this.#send === operation) this.#send = null;
    if (this.#connect === operation) this.#connect = null;
    this.#accepts.delete(operation);
    this.#set.changed(this);
  }

  leave(): void {
    this.#gone = true;
    this.#set.changed(this);
  }

  ready(revents: number): void {
    if (this.#gone) return;
    try {
      if ((revents & POLLNVAL) !== 0) this.#failAll();
      else {
        // Each of these may run callbacks, which may start or forget operations: so each looks at what is there now.
        if (this.#connect !== null) this.#readyConnect(revents);
        if (revents === 0) return;
        if ((revents & ~POLLWRNORM) !== 0) this.#readyAccept();
        if ((revents & ~POLLRDNORM) !== 0) this.#readySend();
        if ((revents & ~POLLWRNORM) !== 0) this.#readyProbe(revents);
        if ((revents & ~POLLWRNORM) !== 0) this.#readyReceive(revents);
      }
    } finally {
      this.#set.changed(this);
    }
  }

  #readyConnect(revents: number): void {
    const operation = this.#connect;
    if (operation === null) return;
    const code = getIntOption(this.#parts, this.socket, SOL_SOCKET, SO_ERROR, 'getsockopt(SO_ERROR)');
    if (code === 0 && (revents & POLLWRNORM) === 0) return;
    this.#connect = null;
    this.#complete(operation, code, 0);
  }

  /** Readiness is all it asks for. A broken connection with nothing left to read is told as such, once and for all. */
  #readyProbe(revents: number): void {
    const operation = this.#probe;
    if (operation === null) return;
    this.#probe = null;
    const broken = (revents & POLLERR) !== 0 && (revents & POLLRDNORM) === 0;
    const code = broken ? getIntOption(this.#parts, this.socket, SOL_SOCKET, SO_ERROR, 'getsockopt(SO_ERROR)') : 0;
    this.#complete(operation, broken && code === 0 ? WSAECONNRESET : code, 0);
  }

  #readyReceive(revents: number): void {
    const operation = this.#receive;
    if (operation === null) return;
    if (operation.requested === 0) {
      // A zero-byte receive asks for readiness only, which this is.
      this.#receive = null;
      this.#complete(operation, 0, 0);
      return;
    }
    const { kernel, counters, operations } = this.#parts;
    operations.words[operation.word + CONTEXT.FLAGS / 4] = 0;
    counters.calls.WSARecv++;
    const { address } = operation;
    const result = kernel.ws2_32.WSARecv(
      this.socket,
      address + CONTEXT.WSABUFS,
      1,
      address + CONTEXT.BYTES,
      address + CONTEXT.FLAGS,
      0,
      0,
    );
    let code = result === SOCKET_ERROR ? kernel.ws2_32.WSAGetLastError() : 0;
    if (code === WSAEWOULDBLOCK) return;
    this.#receive = null;
    const bytes = code === 0 ? this.#transferred(operation) : 0;
    // A graceful end is POLLHUP without POLLERR. Wine answers the receive after a RST with the end of the stream; Windows
    // with WSAECONNRESET itself.
    if (code === 0 && bytes === 0 && (revents & POLLERR) !== 0) code = WSAECONNRESET;
    this.#complete(operation, code, bytes);
  }

  #readySend(): void {
    const operation = this.#send;
    if (operation === null) return;
    const code = this.#trySend(operation);
    if (code === WSAEWOULDBLOCK) return;
    this.#send = null;
    this.#complete(operation, code, this.#transferred(operation));
  }

  /** One connection for each accept that waits, as long as there are any. */
  #readyAccept(): void {
    for (const operation of [...this.#accepts]) {
      if (!this.#accepts.has(operation)) continue;
      const code = this.#tryAccept(operation);
      if (code === WSAEWOULDBLOCK) return;
      this.#accepts.delete(operation);
      this.#complete(operation, code, 0);
    }
  }

  #tryAccept(operation: Operation): number {
    const { kernel, counters, operations } = this.#parts;
    const lengthWord = operation.word + CONTEXT.BYTES / 4;
    operations.words[lengthWord] = sockaddr_in6.size;
    counters.calls.accept++;
    const address = (operation.block?.address ?? 0) + ADDRESS_AT;
    const socket = kernel.ws2_32.accept(this.socket, address, operation.address + CONTEXT.BYTES);
    if (socket === INVALID_SOCKET) return kernel.ws2_32.WSAGetLastError();
    operation.acceptSocket = checkSocket(socket, kernel.ws2_32, 'accept');
    return 0;
  }

  /** Returns 0 or the error code; the count is in the context. */
  #trySend(operation: Operation): number {
    const { kernel, counters, operations } = this.#parts;
    operations.words[operation.word + CONTEXT.BYTES / 4] = 0;
    counters.calls.WSASend++;
    const { address } = operation;
    const result = kernel.ws2_32.WSASend(
      this.socket,
      address + CONTEXT.WSABUFS,
      this.#segments,
      address + CONTEXT.BYTES,
      0,
      0,
      0,
    );
    return result === SOCKET_ERROR ? kernel.ws2_32.WSAGetLastError() : 0;
  }

  /** The socket was closed behind our back. */
  #failAll(): void {
    for (const operation of [this.#receive, this.#probe, this.#send, this.#connect, ...this.#accepts]) {
      if (operation === null) continue;
      this.forget(operation);
      this.#parts.finishInline(operation, WSAENOTSOCK, 0);
    }
  }

  #transferred(operation: Operation): number {
    return this.#parts.operations.words[operation.word + CONTEXT.BYTES / 4] ?? 0;
  }

  #complete(operation: Operation, error: number, bytes: number): void {
    operation.state = OperationState.Completed;
    operation.error = error;
    operation.bytes = bytes;
    this.#parts.completed(operation);
  }
}
