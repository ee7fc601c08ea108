/** What connections, listening sockets and UDP sockets have in common: a SOCKET, a handle, and what is pending on them. */
import { INVALID_SOCKET } from '../../ffi/constants.ts';
import type { AnyHandle } from '../pal/handles.ts';
import type { SocketDescription } from '../pal/pal-description.ts';
import type { Interest } from '../pal/readiness.ts';
import type { Operation, OperationOwner } from '../memory/operation.ts';
import type { Closing } from './closer.ts';
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

/** What is true of a socket or not, one bit each: thousands of them are open at a time, and a boolean takes 8 bytes of each. */
const Flag = {
  Associated: 1,
  Closing: 2,
  Closed: 4,
  Resetting: 8,
  HasNoGrace: 16,
  Cancelled: 32,
  Unreferenced: 64,
  SkipsPackets: 128,
  OptionsSet: 256,
  Connected: 512,
  NonBlocking: 1024,
  CountsAsLoad: 2048,
  IPv6: 4096,
} as const;

export abstract class SocketRecord implements OperationOwner {
  readonly kind: SocketKind;
  /** Our name for the socket, and its completion key unless it came with one (useKey). */
  readonly handle: AnyHandle;
  /** The key in two halves, as packets carry it. */
  keyLow = 0;
  keyHigh = 0;
  /** Where it was created, when origins are tracked. */
  readonly origin: Error | undefined;
  /** When it was created, whole scheduler milliseconds: V8 keeps a number with a fraction in memory of its own. */
  readonly createdAt: number;
  /** The SOCKET; INVALID_SOCKET before it exists and once it is closed. */
  socket = INVALID_SOCKET;
  /** Operations that the kernel, or the queue of finished ones, still has. Only the OperationTable writes it. */
  inFlight = 0;
  /** Cancels in a row that nobody asked for (unasked-cancels.ts). */
  unaskedCancels = 0;
  /** Callbacks that somebody waits for. */
  pendingCallbacks = 0;
  /** Those of them that belong to what was begun here and ends by itself: they always keep the process alive. */
  requests = 0;
  /** The watch of the readiness calls, when there is one. */
  watch: SocketWatch | null = null;
  /** The turn of the loop in which a watch of the socket was called last. */
  watchedTurn = 0;
  /** Who waits for its close, and until when; null before anybody does. Only closer.ts has to do with it. */
  close: Closing | null = null;
  #flags = 0;

  constructor(kind: SocketKind, handle: AnyHandle, family: 4 | 6, createdAt: number, origin: Error | undefined) {
    this.kind = kind;
    this.handle = handle;
    this.useKey(handle);
    this.family = family;
    this.createdAt = Math.floor(createdAt);
    this.origin = origin;
  }

  /** A connection by name knows it once it has a SOCKET. */
  get family(): 4 | 6 {
    return (this.#flags & Flag.IPv6) === 0 ? 4 : 6;
  }

  set family(value: 4 | 6) {
    this.#flags = value === 6 ? this.#flags | Flag.IPv6 : this.#flags & ~Flag.IPv6;
  }

  /** The socket is tied to this loop, for good (association.ts). */
  get associated(): boolean {
    return (this.#flags & Flag.Associated) !== 0;
  }

  set associated(value: boolean) {
    this.#flags = value ? this.#flags | Flag.Associated : this.#flags & ~Flag.Associated;
  }

  /** closeSocket or resetSocket was called: no call takes the handle any more. */
  get closing(): boolean {
    return (this.#flags & Flag.Closing) !== 0;
  }

  set closing(value: boolean) {
    this.#flags = value ? this.#flags | Flag.Closing : this.#flags & ~Flag.Closing;
  }

  /** The socket is gone, and the record out of the table; its close callbacks are queued. */
  get closed(): boolean {
    return (this.#flags & Flag.Closed) !== 0;
  }

  set closed(value: boolean) {
    this.#flags = value ? this.#flags | Flag.Closed : this.#flags & ~Flag.Closed;
  }

  /** It is closed without a flush: what is queued is dropped, and a connection ends with RST. */
  get resetting(): boolean {
    return (this.#flags & Flag.Resetting) !== 0;
  }

  set resetting(value: boolean) {
    this.#flags = value ? this.#flags | Flag.Resetting : this.#flags & ~Flag.Resetting;
  }

  /** The close has no grace, or none any more: nothing is begun that takes its time. */
  get hasNoGrace(): boolean {
    return (this.#flags & Flag.HasNoGrace) !== 0;
  }

  set hasNoGrace(value: boolean) {
    this.#flags = value ? this.#flags | Flag.HasNoGrace : this.#flags & ~Flag.HasNoGrace;
  }

  /** CancelIoEx was called for everything on the socket. */
  get cancelled(): boolean {
    return (this.#flags & Flag.Cancelled) !== 0;
  }

  set cancelled(value: boolean) {
    this.#flags = value ? this.#flags | Flag.Cancelled : this.#flags & ~Flag.Cancelled;
  }

  /** What the socket waits for (reads, accepts, watches) keeps the process alive, too. */
  get referenced(): boolean {
    return (this.#flags & Flag.Unreferenced) === 0;
  }

  set referenced(value: boolean) {
    this.#flags = !value ? this.#flags | Flag.Unreferenced : this.#flags & ~Flag.Unreferenced;
  }

  /** Packets are skipped when a call succeeds at once; true only when the system said so for this socket. */
  get skipsPackets(): boolean {
    return (this.#flags & Flag.SkipsPackets) !== 0;
  }

  set skipsPackets(value: boolean) {
    this.#flags = value ? this.#flags | Flag.SkipsPackets : this.#flags & ~Flag.SkipsPackets;
  }

  /** The user has set socket options, which a reused socket would keep. */
  get optionsSet(): boolean {
    return (this.#flags & Flag.OptionsSet) !== 0;
  }

  set optionsSet(value: boolean) {
    this.#flags = value ? this.#flags | Flag.OptionsSet : this.#flags & ~Flag.OptionsSet;
  }

  /** Of a connection: false until ConnectEx has succeeded. */
  get connected(): boolean {
    return (this.#flags & Flag.Connected) !== 0;
  }

  set connected(value: boolean) {
    this.#flags = value ? this.#flags | Flag.Connected : this.#flags & ~Flag.Connected;
  }

  /** Of a connection: it has come about, and nobody has closed it. */
  get isOpen(): boolean {
    return (this.#flags & (Flag.Connected | Flag.Closing)) === Flag.Connected;
  }

  /** FIONBIO was set. */
  get nonBlocking(): boolean {
    return (this.#flags & Flag.NonBlocking) !== 0;
  }

  set nonBlocking(value: boolean) {
    this.#flags = value ? this.#flags | Flag.NonBlocking : this.#flags & ~Flag.NonBlocking;
  }

  /** Of a connection: it came from a spreading server, which counts it. */
  get countsAsLoad(): boolean {
    return (this.#flags & Flag.CountsAsLoad) !== 0;
  }

  set countsAsLoad(value: boolean) {
    this.#flags = value ? this.#flags | Flag.CountsAsLoad : this.#flags & ~Flag.CountsAsLoad;
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
