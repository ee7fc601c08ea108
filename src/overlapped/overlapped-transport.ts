/**
 * Operations as overlapped calls: WSARecv, WSASend, TransmitFile, ConnectEx, AcceptEx, DisconnectEx, WSARecvFrom, WSASendTo.
 *
 * Each call has one of three outcomes, and each outcome one place that ends the operation:
 * - pending (ERROR_IO_PENDING), or success on a socket that does not skip packets: the packet, through the port;
 * - success at once on a socket that skips packets: completeSynchronously, here;
 * - any other error: no packet will ever come; completeSynchronously, here (or Win32Error, for accepts). The one exception is a
 *   datagram that is longer than its buffer (#settleDatagram).
 */
import { checkWinsock, FINISHED, NO_ERROR, overlappedOutcome, Win32Error } from '../../ffi/check.ts';
import {
  FILE_SKIP_COMPLETION_PORT_ON_SUCCESS,
  FILE_SKIP_SET_EVENT_ON_HANDLE,
  INVALID_SOCKET,
  SO_UPDATE_ACCEPT_CONTEXT,
  SO_UPDATE_CONNECT_CONTEXT,
  SOL_SOCKET,
  TF_REUSE_SOCKET,
} from '../../ffi/constants.ts';
import { ACCEPTEX_ADDRESS_SLACK, OVERLAPPED, sockaddr_in, sockaddr_in6 } from '../../ffi/layouts.ts';
import { WSAEMSGSIZE } from '../../ffi/wsa-errors.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { IpAddress } from '../pal/ip-address.ts';
import { SLOT, DATAGRAM_SLOT, OperationKind, OperationState, type Operation } from '../memory/operation.ts';
import { sendOneSynOnly } from '../sockets/one-syn.ts';
import { readSockaddr } from '../memory/scratch.ts';
import { writeDestination } from '../sockets/socket-addresses.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import { hasRealHandles, openTcpSocket } from '../sockets/sockets.ts';
import type { BackendParts, ConnectedEnds, Transport } from '../context/transport.ts';
import { partOf, type Block } from '../memory/block-pool.ts';
import type { CompletionSource } from './completion-source.ts';
import { ExtensionFunctions } from './extension-functions.ts';

const SOCKET_SIZE = 8;

export class OverlappedTransport implements Transport {
  readonly keepsBuffers = true;
  readonly #parts: BackendParts;
  readonly #source: CompletionSource;
  readonly #extensions: ExtensionFunctions;

  constructor(parts: BackendParts, source: CompletionSource) {
    this.#parts = parts;
    this.#source = source;
    this.#extensions = new ExtensionFunctions(parts.platform, parts.scratch, parts.counters);
  }

  /** Ties the socket to the port under its handle as key; for good, Windows has no way back. */
  attach(record: SocketRecord): void {
    const { counters, options } = this.#parts;
    counters.syscalls.CreateIoCompletionPort++;
    this.#source.port.associate(record.socket, record.handle);
    if (options.skipCompletionPortOnSuccess !== false && record.maySkipPackets()) this.#skipPackets(record);
  }

  share(listener: SocketRecord): void {
    this.#source.eventAccepts.add(listener);
  }

  detach(record: SocketRecord): void {
    // closesocket takes the socket off the port.
    this.#source.eventAccepts.remove(record);
  }

  move(): void {
    // The port knows the socket by its completion key, which has moved with it.
  }

  prepareListener(listener: SocketRecord, reuses: boolean): void {
    this.#extensions.of(listener.family, listener.socket);
    if (reuses) this.#extensions.disconnectEx(listener.family, listener.socket);
  }

  receive(connection: SocketRecord, operation: Operation): void {
    const { platform, counters, operations } = this.#parts;
    const { words } = operations;
    words[operation.word + SLOT.FLAGS / 4] = 0;
    words[operation.word + SLOT.BYTES / 4] = 0;
    operation.submit('WSARecv');
    counters.syscalls.WSARecv++;
    const result = platform.ws2_32.WSARecv(
      connection.socket,
      operation.address + SLOT.WSABUFS,
      1,
      // NULL with an overlapped call, as documented, unless the packet is skipped and this is the only report.
      connection.skipsPackets ? operation.address + SLOT.BYTES : 0,
      operation.address + SLOT.FLAGS,
      operation.address,
      0,
    );
    operation.handedOver = true;
    this.#settle(connection, operation, result === 0);
  }

  send(connection: SocketRecord, operation: Operation, segments: number): void {
    const { platform, counters, operations } = this.#parts;
    operations.words[operation.word + SLOT.BYTES / 4] = 0;
    operation.submit('WSASend');
    counters.syscalls.WSASend++;
    const result = platform.ws2_32.WSASend(
      connection.socket,
      operation.address + SLOT.WSABUFS,
      segments,
      connection.skipsPackets ? operation.address + SLOT.BYTES : 0,
      0,
      operation.address,
      0,
    );
    operation.handedOver = true;
    this.#settle(connection, operation, result === 0);
  }

  canTransmit({ family, socket }: SocketRecord): boolean {
    return this.#extensions.transmitFile(family, socket) !== null;
  }

  transmitFile(connection: SocketRecord, operation: Operation, file: number, bytes: number, buffers: number): void {
    const { counters, operations } = this.#parts;
    const TransmitFile = this.#extensions.transmitFile(connection.family, connection.socket);
    if (TransmitFile === null)
      throw new Error('TransmitFile is unavailable on this socket. This is a bug in iocp-pal; please report it');
    operation.submit('TransmitFile');
    counters.syscalls.TransmitFile++;
    const result = TransmitFile(connection.socket, file, bytes, 0, operation.address, buffers, 0);
    operation.handedOver = true;
    // It has no out-parameter for the count: of a success without a packet only the OVERLAPPED has it.
    if (result !== 0 && connection.skipsPackets) {
      operations.words[operation.word + SLOT.BYTES / 4] =
        operations.words[operation.word + OVERLAPPED.InternalHigh / 4] ?? 0;
    }
    this.#settle(connection, operation, result !== 0);
  }

  receiveFrom(socket: SocketRecord, operation: Operation): void {
    const { platform, counters, operations } = this.#parts;
    const { words } = operations;
    words[operation.word + SLOT.FLAGS / 4] = 0;
    words[operation.word + DATAGRAM_SLOT.ADDRESS / 4] = 0; // no address family, until there is one
    words[operation.word + DATAGRAM_SLOT.ADDRESS_LENGTH / 4] = sockaddr_in6.size;
    operation.submit('WSARecvFrom');
    counters.syscalls.WSARecvFrom++;
    const result = platform.ws2_32.WSARecvFrom(
      socket.socket,
      operation.address + SLOT.WSABUFS,
      1,
      0,
      operation.address + SLOT.FLAGS,
      operation.address + DATAGRAM_SLOT.ADDRESS,
      operation.address + DATAGRAM_SLOT.ADDRESS_LENGTH,
      operation.address,
      0,
    );
    operation.handedOver = true;
    this.#settleDatagram(operation, result === 0);
  }

  sendTo(socket: SocketRecord, operation: Operation): void {
    const { platform, counters, operations } = this.#parts;
    const addressLength = writeDestination(operations.words, operation);
    operation.submit('WSASendTo');
    counters.syscalls.WSASendTo++;
    const result = platform.ws2_32.WSASendTo(
      socket.socket,
      operation.address + SLOT.WSABUFS,
      1,
      0,
      0,
      addressLength === 0 ? 0 : operation.address + DATAGRAM_SLOT.ADDRESS,
      addressLength,
      operation.address,
      0,
    );
    operation.handedOver = true;
    this.#settleDatagram(operation, result === 0);
  }

  connect(connection: SocketRecord, operation: Operation, address: IpAddress, port: number): void {
    const { counters, scratch, operations } = this.#parts;
    const { ConnectEx } = this.#extensions.of(connection.family, connection.socket);
    sendOneSynOnly(this.#parts, connection.socket, address);
    const length = scratch.setSockaddr(0, address, port);
    operations.words[operation.word + SLOT.BYTES / 4] = 0;
    operation.submit('ConnectEx');
    counters.syscalls.ConnectEx++;
    const result = ConnectEx(connection.socket, scratch.address, length, 0, 0, 0, operation.address);
    operation.handedOver = true;
    this.#settle(connection, operation, result !== 0);
  }

  /** Without it, shutdown and getpeername fail on a socket that ConnectEx has connected. */
  finishConnect({ socket }: SocketRecord): void {
    const { platform, counters } = this.#parts;
    counters.syscalls.setsockopt++;
    const result = platform.ws2_32.setsockopt(socket, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, 0, 0);
    checkWinsock(result, platform.ws2_32, 'setsockopt(SO_UPDATE_CONNECT_CONTEXT)');
  }

  readonly disconnect = (connection: SocketRecord, operation: Operation): void => {
    const DisconnectEx = this.#extensions.disconnectEx(connection.family, connection.socket);
    operation.submit('DisconnectEx');
    this.#parts.counters.syscalls.DisconnectEx++;
    const result = DisconnectEx(connection.socket, operation.address, TF_REUSE_SOCKET, 0);
    operation.handedOver = true;
    this.#settle(connection, operation, result !== 0);
  };

  /** AcceptEx asks for no data: a peer that connects and says nothing would otherwise hold its place for ever. */
  accept(listener: SocketRecord, operation: Operation): void {
    const { platform, counters } = this.#parts;
    if (operation.acceptSocket === INVALID_SOCKET) {
      operation.acceptSocket = openTcpSocket(this.#parts, listener.family);
    }
    const { AcceptEx } = this.#extensions.of(listener.family, listener.socket);
    const length = addressLength(listener.family);
    const { eventAccepts } = this.#source;
    const byEvent = eventAccepts.has(listener);
    if (byEvent) eventAccepts.prepare(operation);
    operation.submit('AcceptEx');
    counters.syscalls.AcceptEx++;
    const result = AcceptEx(
      listener.socket,
      operation.acceptSocket,
      operation.block?.address ?? 0,
      0,
      length,
      length,
      operation.address + SLOT.BYTES,
      operation.address,
    );
    operation.handedOver = true;
    const outcome = overlappedOutcome(result !== 0, platform.ws2_32);
    // The listener does not skip packets, so success brings one (or the event) just as ERROR_IO_PENDING does.
    const submitted = outcome === NO_ERROR || outcome === FINISHED;
    if (!submitted) {
      operation.state = OperationState.Completed;
      operation.handedOver = false;
    }
    if (byEvent) eventAccepts.settle();
    if (!submitted) throw new Win32Error('AcceptEx', outcome);
  }

  finishAccept(listener: SocketRecord, operation: Operation): ConnectedEnds {
    const { platform, counters, scratch } = this.#parts;
    // The option's value is the listening SOCKET. Without it shutdown and getpeername fail on the accepted one.
    scratch.setPointer(0, listener.socket);
    counters.syscalls.setsockopt++;
    const updated = platform.ws2_32.setsockopt(
      operation.acceptSocket,
      SOL_SOCKET,
      SO_UPDATE_ACCEPT_CONTEXT,
      scratch.address,
      SOCKET_SIZE,
    );
    checkWinsock(updated, platform.ws2_32, 'setsockopt(SO_UPDATE_ACCEPT_CONTEXT)');
    return this.#endsOf(listener, operation);
  }

  forget(): void {
    // What the system does not have is nowhere.
  }

  cancelOperation(record: SocketRecord, operation: Operation): void {
    if (operation.state !== OperationState.Submitted) return;
    operation.state = OperationState.Cancelling;
    this.#source.cancels.cancel(record, operation.address);
  }

  cancelAll(record: SocketRecord): void {
    for (const operation of record.operations()) {
      if (operation.state === OperationState.Submitted) operation.state = OperationState.Cancelling;
    }
    this.#source.cancels.cancel(record, 0);
  }

  #settle(connection: SocketRecord, operation: Operation, succeeded: boolean): void {
    const { platform, operations, completeSynchronously } = this.#parts;
    const outcome = overlappedOutcome(succeeded, platform.ws2_32);
    if (outcome === NO_ERROR) return;
    if (outcome !== FINISHED) completeSynchronously(operation, outcome, 0);
    else if (connection.skipsPackets) {
      completeSynchronously(operation, 0, operations.words[operation.word + SLOT.BYTES / 4] ?? 0);
    }
  }

  /**
   * UDP sockets do not skip packets, so success brings one just as ERROR_IO_PENDING does. So does a receive that finds a
   * datagram longer than its buffer: STATUS_BUFFER_OVERFLOW is a warning and no error, the operation has been carried out,
   * and its packet is queued, whether the call says ERROR_IO_PENDING (Windows) or WSAEMSGSIZE (Wine).
   */
  #settleDatagram(operation: Operation, succeeded: boolean): void {
    const outcome = overlappedOutcome(succeeded, this.#parts.platform.ws2_32);
    if (outcome === NO_ERROR || outcome === FINISHED) return;
    if (outcome === WSAEMSGSIZE && operation.kind === OperationKind.ReceiveFrom) return;
    this.#parts.completeSynchronously(operation, outcome, 0);
  }

  /**
   * Asks the system not to queue packets for calls of this socket that succeed at once. Only its yes counts, socket by
   * socket: with a layered provider in between, packets would be lost (Microsoft KB2568167).
   */
  #skipPackets(connection: SocketRecord): void {
    if (!hasRealHandles(this.#parts, connection.socket)) return;
    const { platform, counters } = this.#parts;
    counters.syscalls.SetFileCompletionNotificationModes++;
    const modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
    connection.skipsPackets = platform.kernel32.SetFileCompletionNotificationModes(connection.socket, modes) !== 0;
  }

  /** Both addresses, which AcceptEx has left in the block. */
  #endsOf(listener: SocketRecord, { block }: Operation): ConnectedEnds {
    if (block === null) return { peer: null, local: null };
    const { scratch, counters } = this.#parts;
    const { GetAcceptExSockaddrs } = this.#extensions.of(listener.family, listener.socket);
    const length = addressLength(listener.family);
    const { address } = scratch;
    counters.syscalls.GetAcceptExSockaddrs++;
    GetAcceptExSockaddrs(block.address, 0, length, length, address, address + 8, address + 16, address + 24);
    return { peer: this.#endIn(block, 16, 24), local: this.#endIn(block, 0, 8) };
  }

  /** The address in a block to which the scratch page has a pointer and a length. */
  #endIn(block: Block, pointerAt: number, lengthAt: number): Endpoint | null {
    const { scratch } = this.#parts;
    const start = scratch.pointerAt(pointerAt) - block.address;
    const size = scratch.view.getInt32(lengthAt, true);
    if (start < 0 || size <= 0 || start + size > block.size) return null;
    return readSockaddr(partOf(block, start, size));
  }
}

function addressLength(family: 4 | 6): number {
  return (family === 4 ? sockaddr_in.size : sockaddr_in6.size) + ACCEPTEX_ADDRESS_SLACK;
}
