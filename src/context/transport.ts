/**
 * How operations are carried out: what differs from backend to backend below the queues, the closing and the errors.
 *
 * Every operation that is started here ends exactly once, in a later turn: through the backend's event source, or
 * through EventLoop.completeSynchronously. Until then its slot and its block are in use.
 */
import type { IpAddress } from '../pal/ip-address.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { Counters } from '../loop/counters.ts';
import type { EventSource } from '../loop/event-source.ts';
import type { Platform } from '../platform/platform.ts';
import type { Operation } from '../memory/operation.ts';
import type { OperationTable } from '../memory/operation-table.ts';
import type { ResolvedPalOptions } from '../runtime/pal-options.ts';
import type { Scratch } from '../memory/scratch.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';

/** The end points of a connection, as far as the system names them. */
export interface ConnectedEnds {
  readonly peer: Endpoint | null;
  readonly local: Endpoint | null;
}

export interface Transport {
  /** The system keeps the buffers of an operation until it ends, and not only during a call. */
  readonly keepsBuffers: boolean;
  /** Takes a fresh socket in. Throws Win32Error. */
  attach(record: SocketRecord): void;
  /**
   * Takes in a listening socket that another process has tied to its port. Throws Win32Error. Not there on transports that
   * tie sockets to nothing.
   */
  share?(listener: SocketRecord): void;
  /** The socket is about to be closed; nothing is in flight on it. */
  detach(record: SocketRecord): void;
  /** `to` has taken the SOCKET of `from`, which was attached; nothing is in flight on it. */
  move(from: SocketRecord, to: SocketRecord): void;
  /**
   * A listening socket is about to be accepted from: last chance to refuse. Throws Win32Error.
   * @param reuses its connections are to be disconnected, and accepted on again
   */
  prepareListener(listener: SocketRecord, reuses: boolean): void;
  /** Receives into the operation's first WSABUF. */
  receive(connection: SocketRecord, operation: Operation): void;
  /** Sends the operation's first `segments` WSABUFs. */
  send(connection: SocketRecord, operation: Operation, segments: number): void;
  /** Whether TransmitFile is available on the socket. Where it is not, files are read and sent. */
  canTransmit(connection: SocketRecord): boolean;
  /**
   * Sends `bytes` (at least 1) of a file from the offset that is in the OVERLAPPED. Only where canTransmit says yes.
   * @param file its HANDLE, lent until the operation has ended
   * @param buffers address of TRANSMIT_FILE_BUFFERS in the slot, or 0
   */
  transmitFile(connection: SocketRecord, operation: Operation, file: number, bytes: number, buffers: number): void;
  /**
   * Receives one datagram into the operation's first WSABUF, and its sender's address into the slot. A datagram that
   * was longer than the WSABUF ends with WSAEMSGSIZE.
   */
  receiveFrom(socket: SocketRecord, operation: Operation): void;
  /** Sends the operation's first WSABUF to where its `datagram` goes. */
  sendTo(socket: SocketRecord, operation: Operation): void;
  /** Connects a bound and attached socket. */
  connect(connection: SocketRecord, operation: Operation, address: IpAddress, port: number): void;
  /** The connect has succeeded: makes it a full socket. Throws Win32Error. */
  finishConnect(connection: SocketRecord): void;
  /**
   * Ends a connection so that its SOCKET can be accepted on again; null where the backend cannot. Nothing else may be in
   * flight on it.
   */
  readonly disconnect: ((connection: SocketRecord, operation: Operation) => void) | null;
  /**
   * Waits for a connection, on operation.acceptSocket or a fresh socket; the operation has a block for addresses. Throws
   * Win32Error when it cannot be started.
   */
  accept(listener: SocketRecord, operation: Operation): void;
  /** The accept has succeeded: makes operation.acceptSocket a full socket. Returns its end points. Throws Win32Error. */
  finishAccept(listener: SocketRecord, operation: Operation): ConnectedEnds;
  /** The start of an operation threw, before the system had it: it must not be carried out any more. */
  forget(record: SocketRecord, operation: Operation): void;
  /** Makes one operation end soon, with whatever outcome. */
  cancelOperation(record: SocketRecord, operation: Operation): void;
  cancelAll(record: SocketRecord): void;
}

export interface BackendParts {
  readonly platform: Platform;
  readonly options: ResolvedPalOptions;
  readonly counters: Counters;
  readonly operations: OperationTable;
  readonly scratch: Scratch;
  /** Delivers an operation in the turn that calls it; for event sources. */
  readonly completed: (operation: Operation) => void;
  /** Delivers an operation in a later turn (EventLoop.completeSynchronously). */
  readonly completeSynchronously: (operation: Operation, error: number, bytes: number) => void;
  /** Runs a task in a later turn, after what has come until now (EventLoop.enqueueBehindEvents). */
  readonly enqueueBehindEvents: (task: () => void) => void;
  /** Operations of a socket that is being closed outlive every cancel. */
  readonly onUncancellable: (record: SocketRecord) => void;
  /** Another thread has submitted something; for event sources that such a thread can wake. */
  readonly onRemote: () => void;
  /**
   * The source cannot be waited on any more. Called once. What is under way has to be cancelled: its end is found nevertheless.
   */
  readonly onFailure: (error: Error) => void;
  /** The waiter has found events; the next turn may begin. */
  readonly onReady: () => void;
}

/** A way of waiting for the network, and of carrying out operations with it: what the option `backend` takes. */
export interface Backend {
  /** What it is called. */
  readonly name: string;
  /** Opens its two halves, for one run of a PAL. Throws Win32Error or RangeError when the system refuses. */
  open(parts: BackendParts): { source: EventSource; transport: Transport };
}
