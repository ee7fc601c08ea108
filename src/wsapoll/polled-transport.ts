/**
 * Operations on non-blocking sockets: each waits for its readiness in the PollSet, then does its call, and is done.
 *
 * The operations and blocks are the same as the completion port backend's, and so is everything above: only the kernel never
 * holds them here. A send is tried at once, since it nearly always succeeds; a receive waits first, since the peer has
 * nearly never answered yet.
 */
import { HANDLE_FLAG_INHERIT, SOCKET_ERROR } from '../../ffi/constants.ts';
import { sockaddr_in6 } from '../../ffi/layouts.ts';
import { ERROR_OPERATION_ABORTED, WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import type { IpAddress } from '../pal/ip-address.ts';
import { partOf } from '../memory/block-pool.ts';
import { OperationState, type Operation } from '../memory/operation.ts';
import { sendOneSynOnly } from '../sockets/one-syn.ts';
import { setNonBlocking } from '../sockets/sockets.ts';
import { readSockaddr } from '../memory/scratch.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import type { BackendParts, ConnectedEnds, Transport } from '../context/transport.ts';
import { boundTo } from '../sockets/addresses.ts';
import type { PollSet } from './poll-set.ts';
import { DatagramMember } from './polled-datagrams.ts';
import { ADDRESS_AT, StreamMember } from './polled-stream.ts';

export class PolledTransport implements Transport {
  /** A call is made when it can be carried out at once. */
  readonly keepsBuffers = false;
  /** accept() makes a socket of its own for every connection. */
  readonly disconnect = null;
  readonly #parts: BackendParts;
  readonly #set: PollSet;
  readonly #members = new Map<SocketRecord, StreamMember>();
  readonly #datagramMembers = new Map<SocketRecord, DatagramMember>();

  constructor(parts: BackendParts, set: PollSet) {
    this.#parts = parts;
    this.#set = set;
  }

  attach(record: SocketRecord): void {
    setNonBlocking(this.#parts, record.socket);
    if (record.kind.isDatagram) {
      this.#datagramMembers.set(record, new DatagramMember(this.#parts, this.#set, record.socket));
    } else {
      this.#members.set(record, new StreamMember(this.#parts, this.#set, record.socket));
    }
  }

  detach(record: SocketRecord): void {
    this.#members.get(record)?.leave();
    this.#members.delete(record);
    this.#datagramMembers.get(record)?.leave();
    this.#datagramMembers.delete(record);
  }

  move(from: SocketRecord, to: SocketRecord): void {
    this.#members.set(to, attached(this.#members, from));
    this.#members.delete(from);
  }

  prepareListener(): void {
    // accept() needs nothing.
  }

  receive(connection: SocketRecord, operation: Operation): void {
    operation.submit('WSARecv');
    attached(this.#members, connection).receive(operation);
  }

  send(connection: SocketRecord, operation: Operation, segments: number): void {
    operation.submit('WSASend');
    attached(this.#members, connection).send(operation, segments);
  }

  receiveFrom(socket: SocketRecord, operation: Operation): void {
    operation.submit('WSARecvFrom');
    attached(this.#datagramMembers, socket).receive(operation);
  }

  sendTo(socket: SocketRecord, operation: Operation): void {
    operation.submit('WSASendTo');
    attached(this.#datagramMembers, socket).send(operation);
  }

  /** An overlapped call, whose end only a completion port would report. */
  canTransmit(): boolean {
    return false;
  }

  transmitFile(): void {
    throw new Error('TransmitFile is not for polled sockets. This is a bug in iocp-pal; please report it');
  }

  connect(connection: SocketRecord, operation: Operation, address: IpAddress, port: number): void {
    const { platform, counters, scratch, completeSynchronously } = this.#parts;
    sendOneSynOnly(this.#parts, connection.socket, address);
    const length = scratch.setSockaddr(0, address, port);
    operation.submit('connect');
    counters.syscalls.connect++;
    const result = platform.ws2_32.connect(connection.socket, scratch.address, length);
    const code = result === SOCKET_ERROR ? platform.ws2_32.WSAGetLastError() : 0;
    if (code === WSAEWOULDBLOCK) attached(this.#members, connection).connect(operation);
    else completeSynchronously(operation, code, 0);
  }

  finishConnect(): void {
    // connect() leaves a full socket.
  }

  accept(listener: SocketRecord, operation: Operation): void {
    operation.submit('accept');
    attached(this.#members, listener).accept(operation);
  }

  finishAccept(_listener: SocketRecord, { acceptSocket, block }: Operation): ConnectedEnds {
    const { platform, counters } = this.#parts;
    counters.syscalls.SetHandleInformation++;
    // accept() has no flag for it, so a child process started right now may still inherit the socket.
    platform.kernel32.SetHandleInformation(acceptSocket, HANDLE_FLAG_INHERIT, 0);
    const peer = block === null ? null : readSockaddr(partOf(block, ADDRESS_AT, sockaddr_in6.size));
    return { peer, local: boundTo(this.#parts, acceptSocket) };
  }

  forget(record: SocketRecord, operation: Operation): void {
    this.#members.get(record)?.forget(operation);
    this.#datagramMembers.get(record)?.forget(operation);
  }

  cancelOperation(record: SocketRecord, operation: Operation): void {
    if (operation.state !== OperationState.Submitted) return;
    try {
      this.forget(record, operation);
    } finally {
      // It waits no more, even if the wait could not be interrupted for it.
      this.#parts.completeSynchronously(operation, ERROR_OPERATION_ABORTED, 0);
    }
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
