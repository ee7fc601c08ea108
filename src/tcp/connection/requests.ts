/**
 * What a user asked for and still waits for. Requests are linked into their socket's queue and kept for reuse, so that
 * asking costs no allocation in steady state.
 */
import { BoundCallback, CONTEXT_TYPES, boundOnce } from '../../platform/async-context.ts';
import type { AcceptCallback, BytesCallback, ConnectCallback, ViewCallback, WriteData } from '../../pal/network-pal.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { FileDescription } from '../../pal/pal-description.ts';
import type { Operation } from '../../memory/operation.ts';
import { PendingCall, type PendingCalls } from '../../sockets/pending-call.ts';
import { NO_BYTES } from '../../util/bytes.ts';

const NO_CALLBACK = new BoundCallback<Parameters<BytesCallback>>(CONTEXT_TYPES.read, () => {
  throw new Error('A request without a callback was completed. This is a bug in iocp-pal; please report it');
});

/** (Not a field: idle connections have thousands of them.) */
const READ = 'read';

export class ReadRequest extends PendingCall {
  get operation(): typeof READ {
    return READ;
  }

  next: ReadRequest | null = null;
  previous: ReadRequest | null = null;
  target: Uint8Array = NO_BYTES;
  maxBytes = 0;
  callback: BoundCallback<Parameters<BytesCallback>> = NO_CALLBACK;
  /** Who is lent a view of the bytes instead of a buffer that is filled; null for a buffer. */
  viewCallback: BoundCallback<Parameters<ViewCallback>> | null = null;
  origin: Error | undefined = undefined;
}

/** A file in the place of a write's buffers (send-file/file-sender.ts), as the queue of writes sees it. */
export interface QueuedFile {
  /** Sent before and after the file. */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  /** Bytes of the file to be sent: NaN until it is known. */
  readonly length: number;
  /** Bytes of the file that the kernel has taken. */
  readonly sent: number;
  /** What is wrong with the file, found when nothing could be done about it at once. */
  readonly failure: NetworkError | null;
  /** The last byte of the file has been taken. */
  readonly isSent: boolean;
  /** Nothing of the request has been handed to the kernel. */
  readonly isUntouched: boolean;
  /** The transport has the send operation, or its outcome is on the way. */
  readonly isBusy: boolean;
  /** The request was answered: nothing more is to be sent. */
  readonly isAbandoned: boolean;
  describe(): FileDescription;
  /** The operation is the file's, ready for the next piece. The request is at the head of the queue. */
  proceed(operation: Operation, request: WriteRequest): void;
  /** The operation has come back. Returns the bytes of the head among those it has sent; the rest is counted by the file. */
  take(operation: Operation, request: WriteRequest): number;
  /** Tells how far it has got. */
  report(): void;
  /** The writer has taken the operation away. */
  released(): void;
  /** The request is being answered without the rest of the file. */
  abandon(): void;
  /** The file is sent: it is not needed any more. */
  done(): void;
  /** Ends the request with what is wrong with its file. The operation is idle. */
  fail(error: NetworkError): void;
}

export type WritingCall = 'write' | 'sendFile';

export class WriteRequest extends PendingCall {
  operation: WritingCall = 'write';
  next: WriteRequest | null = null;
  previous: WriteRequest | null = null;
  /** Its place in the order in which its connection's writes were queued. */
  order = 0;
  /** The buffers still to be sent: `chunk`, then list[listIndex + 1] and on. */
  chunk: Uint8Array = NO_BYTES;
  list: readonly Uint8Array[] | null = null;
  listIndex = 0;
  /**
   * Bytes of `chunk`, and of each in `list`, when they were queued: a buffer may be detached or resized until it is sent,
   * and where the bytes behind it are must not depend on that.
   */
  size = 0;
  sizes: readonly number[] | null = null;
  /** Bytes of `chunk` that are sent. */
  offset = 0;
  /** What is sent instead of buffers, until its last byte has been: `total` and `sent` then count head and tail only. */
  file: QueuedFile | null = null;
  /** Bytes in all, as asyncWrite counted them. */
  total = 0;
  sent = 0;
  callback: BoundCallback<Parameters<BytesCallback>> = NO_CALLBACK;
  origin: Error | undefined = undefined;

  /** Sets what is to be sent, from its first byte on. @param list kept, and not to be changed */
  setBuffers(first: Uint8Array, list: readonly Uint8Array[] | null): void {
    this.chunk = first;
    this.size = first.byteLength;
    this.list = list;
    this.sizes = list === null ? null : list.map(lengthOf);
    this.listIndex = 0;
    this.offset = 0;
  }

  /** The same for one buffer, of a request that has no list. */
  setBuffer(only: Uint8Array): void {
    this.chunk = only;
    this.size = only.byteLength;
    this.offset = 0;
  }

  /** Goes on to the next buffer. Returns false when there is none. */
  nextBuffer(): boolean {
    const next = this.list?.[this.listIndex + 1];
    if (next === undefined) return false;
    this.listIndex++;
    this.chunk = next;
    this.size = this.sizes?.[this.listIndex] ?? 0;
    this.offset = 0;
    return true;
  }
}

function lengthOf({ byteLength }: Uint8Array): number {
  return byteLength;
}

/** Who waits until the queue of writes is short. */
export class DrainRequest extends PendingCall {
  readonly operation = 'drain';
  readonly lowWaterMark: number;
  readonly callback: BoundCallback<Parameters<BytesCallback>>;
  readonly origin: Error | undefined;

  constructor(lowWaterMark: number, callback: BytesCallback, origin: Error | undefined) {
    super();
    this.lowWaterMark = lowWaterMark;
    this.callback = new BoundCallback(CONTEXT_TYPES.drain, callback);
    this.origin = origin;
  }
}

export class AcceptRequest extends PendingCall {
  readonly operation = 'accept';
  readonly callback: AcceptCallback;
  readonly origin: Error | undefined;
  previous: AcceptRequest | null = null;
  next: AcceptRequest | null = null;

  constructor(callback: AcceptCallback, origin: Error | undefined) {
    super();
    this.callback = boundOnce('accept', callback);
    this.origin = origin;
  }
}

export class ConnectRequest extends PendingCall {
  readonly operation = 'connect';
  readonly callback: ConnectCallback;

  constructor(callback: ConnectCallback) {
    super();
    this.callback = boundOnce('connect', callback);
  }
}

/** Keeps requests for reuse. */
export class RequestPool {
  readonly #pendingCalls: PendingCalls;
  #reads: ReadRequest | null = null;
  #writes: WriteRequest | null = null;

  constructor(calls: PendingCalls) {
    this.#pendingCalls = calls;
  }

  takeRead(target: Uint8Array, maxBytes: number, callback: BytesCallback): ReadRequest {
    const request = this.#takeRead(maxBytes);
    request.target = target;
    request.callback = new BoundCallback(CONTEXT_TYPES.read, callback);
    return request;
  }

  takeViewRead(maxBytes: number, callback: ViewCallback): ReadRequest {
    const request = this.#takeRead(maxBytes);
    request.viewCallback = new BoundCallback(CONTEXT_TYPES.read, callback);
    return request;
  }

  giveRead(request: ReadRequest): void {
    this.#pendingCalls.end(request);
    request.target = NO_BYTES;
    request.callback = NO_CALLBACK;
    request.viewCallback = null;
    request.origin = undefined;
    request.next = this.#reads;
    this.#reads = request;
  }

  takeWrite(data: WriteData, total: number, operation: WritingCall, callback: BytesCallback): WriteRequest {
    const request = this.#writes ?? new WriteRequest();
    this.#writes = request.next;
    request.next = null;
    if (isList(data)) request.setBuffers(data[0] ?? NO_BYTES, data);
    else request.setBuffer(data);
    request.sent = 0;
    request.total = total;
    request.operation = operation;
    request.callback = new BoundCallback(
      operation === 'write' ? CONTEXT_TYPES.write : CONTEXT_TYPES.sendFile,
      callback,
    );
    return request;
  }

  giveWrite(request: WriteRequest): void {
    this.#pendingCalls.end(request);
    if (request.list !== null) request.setBuffers(NO_BYTES, null);
    request.chunk = NO_BYTES;
    request.file = null;
    request.callback = NO_CALLBACK;
    request.origin = undefined;
    request.next = this.#writes;
    this.#writes = request;
  }

  #takeRead(maxBytes: number): ReadRequest {
    const request = this.#reads ?? new ReadRequest();
    this.#reads = request.next;
    request.next = null;
    request.maxBytes = maxBytes;
    return request;
  }
}

/** Bytes in all of what asyncWrite was given. */
export function byteLengthOf(data: WriteData): number {
  return isList(data) ? totalOf(data) : data.byteLength;
}

/** (Asked of what has been checked: it is quicker than asking for an array of bytes once more.) */
function isList(data: WriteData): data is readonly Uint8Array[] {
  return Array.isArray(data);
}

function totalOf(data: readonly Uint8Array[]): number {
  let total = 0;
  for (const chunk of data) total += chunk.byteLength;
  return total;
}

/** A copy of the caller's bytes, which may change as soon as the call has returned. */
export function copyOf(bytes: Uint8Array | undefined): Uint8Array {
  return bytes === undefined ? NO_BYTES : Uint8Array.prototype.slice.call(bytes);
}
