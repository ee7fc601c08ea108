/** What connections, listening sockets and UDP sockets have in common: a SOCKET, a handle, and what is pending on them. */
import { INVALID_SOCKET } from '../../ffi/constants.ts';
import type { AnyHandle } from '../pal/handles.ts';
import type { CloseCallback } from '../pal/network-pal.ts';
import type { SocketDescription } from '../pal/pal-description.ts';
import type { Interest } from '../pal/readiness.ts';
import { DeadlineEntry } from '../loop/deadline-wheel.ts';
import type { Operation, OperationOwner } from '../memory/operation.ts';
import type { SocketKind } from './socket-kind.ts';
import { TWO_32 } from '../util/bytes.ts';

/** What a kind of socket knows about itself; describe.ts adds what all of them have in common. */
export type OwnDescription = Pick<SocketDescription, 'kind' | 'state' | 'queues' | 'requests'> &
  Partial<Pick<SocketDescription, 'local' | 'peer' | 'name'>>;

/** A watch of the readiness calls (tcp/readiness), as the socket's other parts see it. */
export interface SocketWatch {
  readonly interest: Interest;
  /** Something about the socket has changed that the watch may wait for: it looks at it in a coming turn. */
  scheduleCheck(): void;
  becameReadable(): void;
  /** The socket is being closed: the watch gets its last call. */
  end(): void;
}

/** Its deadline is the end of what its close may wait for (closer.ts). */
export abstract class SocketRecord extends DeadlineEntry implements OperationOwner {
  readonly kind: SocketKind;
  /** Our name for the socket, and its completion key unless it came with one (useKey). */
  readonly handle: AnyHandle;
  /** The key in two halves, as packets carry it. */
  keyLow = 0;
  keyHigh = 0;
  /** A connection by name knows it once it has a SOCKET. */
  family: 4 | 6;
  /** Where it was created, when origins are tracked. */
  readonly origin: Error | undefined;
  /** When it was created, scheduler milliseconds. */
  readonly createdAt: number;
  /** The SOCKET; INVALID_SOCKET before it exists and once it is closed. */
  socket = INVALID_SOCKET;
  /** The socket is tied to this loop, for good (association.ts). */
  associated = false;
  /** Operations that the kernel, or the queue of finished ones, still has. Only the OperationTable writes it. */
  inFlight = 0;
  /** closeSocket or resetSocket was called: no call takes the handle any more. */
  closing = false;
  /** The socket is gone, and the record out of the table; its close callbacks are queued. */
  closed = false;
  /** It is closed without a flush: what is queued is dropped, and a connection ends with RST. */
  resetting = false;
  /** The close has no grace, or none any more: nothing is begun that takes its time. */
  hasNoGrace = false;
  /** CancelIoEx was called for everything on the socket. */
  cancelled = false;
  /** Cancels in a row that nobody asked for (unasked-cancels.ts). */
  unaskedCancels = 0;
  /** Callbacks that somebody waits for. */
  pendingCallbacks = 0;
  /** Those of them that belong to what was begun here and ends by itself: they always keep the process alive. */
  requests = 0;
  /** The others do, too. */
  referenced = true;
  /** The watch of the readiness calls, when there is one. */
  watch: SocketWatch | null = null;
  /** The turn of the loop in which a watch of the socket was called last. */
  watchedTurn = 0;
  /** Packets are skipped when a call succeeds at once; true only when the system said so for this socket. */
  skipsPackets = false;
  /** The user has set socket options, which a reused socket would keep. */
  optionsSet = false;
  /** IP_MULTICAST_IF as it was set, first byte uppermost; null until then. Windows may answer with an index instead. */
  multicastInterface: number | null = null;
  readonly closeCallbacks: CloseCallback[] = [];

  constructor(kind: SocketKind, handle: AnyHandle, family: 4 | 6, createdAt: number, origin: Error | undefined) {
    super();
    this.kind = kind;
    this.handle = handle;
    this.useKey(handle);
    this.family = family;
    this.createdAt = createdAt;
    this.origin = origin;
  }

  get key(): number {
    return this.keyHigh * TWO_32 + this.keyLow;
  }

  /** The SOCKET is on the port under this key already, and stays there: its packets carry it and not the handle. */
  useKey(key: number): void {
    this.keyLow = key >>> 0;
    this.keyHigh = Math.floor(key / TWO_32);
  }

  /** Takes the SOCKET of another record, on which nothing is in flight, and its completion key with it. */
  takeSocket(from: SocketRecord): void {
    this.socket = from.socket;
    this.family = from.family;
    this.useKey(from.key);
    this.associated = from.associated;
    this.skipsPackets = from.skipsPackets;
    from.socket = INVALID_SOCKET;
  }

  /** Its calls may succeed without a packet, where the system can do that. */
  maySkipPackets(): boolean {
    return false;
  }

  /** The operations of this socket that have not come back. */
  abstract operations(): Iterable<Operation>;

  /**
   * Its part of inspect(): what it is, where it is in its life, its queues by name, and who waits. Makes no system call.
   * @param now scheduler milliseconds
   */
  abstract describe(now: number): OwnDescription;
}

/** The `origin` of a description: left out where none was tracked. */
export function originOf({ origin }: { readonly origin?: Error | undefined }): { origin?: string } {
  // Without its message, captureOrigin() itself, and the part of the PAL that called it.
  return origin === undefined ? {} : { origin: textOf(origin.stack).split('\n').slice(3).join('\n') };
}

/** A program's own Error.prepareStackTrace may make anything of a stack trace. */
function textOf(stack: unknown): string {
  return typeof stack === 'string' ? stack : '';
}
