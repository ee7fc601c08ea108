/**
 * One connection of the PAL, as a Socket uses it: bytes while they are wanted, one write at a time, and its end.
 *
 * It reads as libuv's handles do: from readStart() to readStop(), one receive at a time. What has come is never lost: a receive
 * that readStop() takes back leaves its bytes to the next one.
 */
import { AsyncResource } from 'node:async_hooks';
import { queueMicrotask } from '../platform/node-timers.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { SocketOption } from '../pal/socket-option.ts';
import type { Endpoint, SocketHandle } from '../pal/handles.ts';
import { systemError, type SystemError } from '../node-shape/errors.ts';
import { writeAll, type DoneCallback } from './write-all.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { BytesCallback, NetworkPal, ViewCallback } from '../pal/network-pal.ts';
import type { OperationHandle } from '../pal/pending-operation.ts';

/** Who is told what comes. */
export interface StreamOwner {
  /**
   * The memory that the next bytes go into, or null for memory that is anybody's once received() has returned. One without bytes (it may
   * have been transferred meanwhile) ends the reading.
   */
  readBuffer(): Uint8Array | null;
  /** Bytes have come, at the start of `buffer`. Returns whether more are wanted. */
  received(buffer: Uint8Array, bytes: number): boolean;
  /** The peer has ended its side. */
  ended(): void;
  /** Reading has failed. */
  failed(error: NetworkError | SystemError): void;
}

/** Seconds, the most that TCP_KEEPIDLE takes. */
const MAX_IDLE_SECONDS = 32767;

const NONE = new Uint8Array(0);
/** Of a receive that begins. Whoever cancels it then cancels nothing. */
const NO_NAME = 0 as OperationHandle;

/** A connection that a server has taken, and that no Socket has yet. */
export class AcceptedConnection {
  readonly pal: NetworkPal;
  readonly handle: SocketHandle;
  readonly peer: Endpoint;
  readonly local: Endpoint;

  constructor(pal: NetworkPal, handle: SocketHandle, peer: Endpoint, local: Endpoint) {
    this.pal = pal;
    this.handle = handle;
    this.peer = peer;
    this.local = local;
  }
}

/** What a stream is about. */
const Phase = { Still: 0, Reading: 1, Closed: 2 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** What is known of receives into the owner's own memory. Most streams have none. */
interface OwnReads {
  /** Where the receive goes that is under way; null: what comes is lent to him. */
  memory: Uint8Array | null;
  /** Bytes that came there after readStop(). */
  held: number;
  readonly callback: BytesCallback;
}

/**
 * Bytes and the end are delivered in the context that the connection was made in: the stream is the resource of that itself. Servers have
 * thousands, so there is no object, closure or field here that an idle one could do without.
 */
export class TcpStream extends AsyncResource {
  readonly pal: NetworkPal;
  readonly handle: SocketHandle;
  bytesRead = 0;
  bytesWritten = 0;
  readonly #owner: StreamOwner;
  #phase: Phase = Phase.Still;
  /** The receive that is under way, or null. */
  #operation: OperationHandle | null = null;
  #own: OwnReads | null = null;
  /** (A bound function takes half of what one with a closure does.) */
  readonly #onView: ViewCallback = this.#afterView.bind(this);

  /** The two ends, once they are connected. */
  peer: Endpoint | undefined;
  local: Endpoint | undefined;

  constructor(pal: NetworkPal, handle: SocketHandle, owner: StreamOwner) {
    super('iocp-pal:socket');
    this.pal = pal;
    this.handle = handle;
    this.#owner = owner;
  }

  /** True from readStart() to readStop(), the end, or an error. */
  get reading(): boolean {
    return this.#phase === Phase.Reading;
  }

  readStart(): void {
    if (this.#phase === Phase.Closed) return;
    this.#phase = Phase.Reading;
    if (this.#own !== null && this.#own.held > 0) this.runInAsyncScope(this.#deliverHeld, this);
    else if (this.#operation === null) this.runInAsyncScope(this.#receive, this);
  }

  readStop(): void {
    this.#stop();
    if (this.#operation !== null) this.pal.cancel(this.#operation);
  }

  /** Receives again, unless reading has stopped or begun anew meanwhile. */
  receiveNext(): void {
    if (this.reading && this.#operation === null) this.runInAsyncScope(this.#receive, this);
  }

  #stop(): void {
    if (this.#phase === Phase.Reading) this.#phase = Phase.Still;
  }

  #receive(): void {
    const memory = this.#owner.readBuffer();
    if (this.#own !== null) this.#own.memory = memory;
    if (memory?.byteLength === 0) return this.#afterFailure(systemError('ENOBUFS', 'read')); // as libuv says it
    // Before it is begun: a hook of async_hooks, which sees that, may be the user's own code.
    this.#operation = NO_NAME;
    this.#operation =
      memory === null
        ? this.pal.asyncReadView(this.handle, this.#onView)
        : this.pal.asyncRead(this.handle, memory, memory.length, this.#ownReads(memory).callback);
  }

  #ownReads(memory: Uint8Array): OwnReads {
    return (this.#own ??= {
      memory,
      held: 0,
      callback: (error, bytes) => this.#afterRead(error, this.#own?.memory ?? NONE, bytes),
    });
  }

  #afterView(error: NetworkError | null, view: Uint8Array): void {
    this.#afterRead(error, view, view.length);
  }

  #afterRead(error: NetworkError | null, buffer: Uint8Array, bytes: number): void {
    this.#operation = null;
    if (error !== null) this.#afterFailure(error);
    else if (bytes > 0) this.#deliver(buffer, bytes);
    else {
      this.#stop();
      this.#owner.ended();
    }
  }

  #afterFailure(error: NetworkError | SystemError): void {
    if ('kind' in error && error.kind === NetworkErrorCode.Interrupted) {
      if (this.reading) this.#receive(); // begun again before its end was known
      return;
    }
    if (this.#phase === Phase.Closed) return;
    this.#phase = Phase.Still;
    this.#owner.failed(error);
  }

  #deliver(buffer: Uint8Array, bytes: number): void {
    this.bytesRead += bytes;
    const own = this.#own;
    if (!this.reading && own !== null && own.memory !== null) {
      own.held = bytes;
      return;
    }
    let more = true;
    try {
      more = this.#owner.received(buffer, bytes);
    } finally {
      // Also after a listener has thrown: the connection goes on, as those of Node.js do.
      if (!more) this.readStop();
      else if (this.reading && this.#operation === null) receiveLater(this);
    }
  }

  #deliverHeld(): void {
    const own = this.#own;
    if (own === null) return;
    const bytes = own.held;
    own.held = 0;
    this.bytesRead -= bytes; // counted when they came
    if (own.memory !== null) this.#deliver(own.memory, bytes);
  }

  /** Writes all of it, in order behind what was written before. */
  write(data: readonly Uint8Array[], bytes: number, done: DoneCallback): void {
    this.bytesWritten += bytes;
    writeAll(this.pal, this.handle, data, bytes, done);
  }

  /** Bytes that were written and that the system has not taken yet. */
  get queuedBytes(): number {
    return this.pal.getQueuedBytes(this.handle);
  }

  /** Ends this side, behind what was written. */
  shutdown(done: DoneCallback): void {
    this.pal.shutdown(this.handle, 'send', done);
  }

  /**
   * Closes it, and drops what the system does not take at once; `closed` is called when it is gone.
   * @param rest written behind what is under way: that may only wait for its turn to be sent, where Node's sockets would have sent both
   */
  close(closed: () => void, rest: readonly Uint8Array[]): void {
    this.#phase = Phase.Closed;
    this.runInAsyncScope(() => {
      if (rest.length > 0 && this.queuedBytes > 0) this.pal.asyncWrite(this.handle, rest, () => undefined);
      this.pal.closeSocket(this.handle, { graceMs: 0 }, closed);
    });
  }

  /** Closes it with RST. */
  reset(closed: () => void): void {
    this.#phase = Phase.Closed;
    this.runInAsyncScope(() => this.pal.resetSocket(this.handle, closed));
  }

  ref(): void {
    this.pal.ref(this.handle);
  }

  unref(): void {
    this.pal.unref(this.handle);
  }

  setNoDelay(on: boolean): void {
    this.pal.setSocketOption(this.handle, SocketOption.NoDelay, on);
  }

  /** @param seconds of silence before the first probe; 0 leaves the system's default */
  setKeepAlive(on: boolean, seconds: number): void {
    const idleSeconds = Math.min(seconds, MAX_IDLE_SECONDS);
    this.pal.setSocketOption(
      this.handle,
      SocketOption.KeepAlive,
      on && idleSeconds > 0 ? { enabled: true, idleSeconds } : on,
    );
  }
}

/** Streams that have been given bytes in this turn, and want more. */
let receivers: TcpStream[] = [];

/**
 * Receives when the callbacks of this turn are through, the writes that they make included. Until then the peers of the first ones have
 * answered, and most receives find bytes: each of those costs neither a packet nor a wait. (The echo of 16 KiB on 100
 * connections is a third faster by it; docs/benchmarks.md.) And what the bytes have left to ticks and promises has run before the
 * connection says more, as with Node.js: an http server has given its answer before it hears of the end.
 */
function receiveLater(stream: TcpStream): void {
  if (receivers.push(stream) === 1) queueMicrotask(receiveAll);
}

function receiveAll(): void {
  const all = receivers;
  receivers = [];
  for (const stream of all) stream.receiveNext();
}
