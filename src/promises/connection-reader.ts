/** The receiving side of a connection: one call at a time, and the bytes that have come and that no call has taken. */
import type { BytesCallback, ViewCallback } from '../pal/network-pal.ts';
import type { OperationOptions } from '../pal/pending-operation.ts';
import type { Scheduler } from '../platform/platform.ts';
import { requireInteger, wrongType } from '../util/validate.ts';
import { inCallersStack } from './caller-stack.ts';
import { aborted, Deadline } from './sockets/deadline.ts';
import { closedHere, endedEarly, endWasRead, limitReached, readUnderWay } from './sockets/errors.ts';
import { HeldBytes } from './held-bytes.ts';
import type { StreamSocket } from './sockets/network-sockets.ts';

/** Options of readUntil and lines. */
export interface DelimitedOptions extends OperationOptions {
  /** Bytes that may come before the delimiter has ended, 1 … 2^30. Default 65536. */
  limit?: number | undefined;
}

const DEFAULT_LIMIT = 65_536;
const MAX_BYTES = 2 ** 30;
const LINE_FEED = Buffer.from('\n');
const CARRIAGE_RETURN = 13;
const NO_OPTIONS: OperationOptions = {};

export class ConnectionReader {
  readonly #stream: StreamSocket;
  readonly #scheduler: Scheduler;
  readonly #held = new HeldBytes();
  #isBusy = false;
  #isClosed = false;
  #hasSeenEnd = false;
  // There is one read at a time: its promise's functions are kept here, so that no closure is made for each.
  #resolve: (bytes: number) => void = ignore;
  #resolveChunk: (chunk: Buffer) => void = ignore;
  #reject: (error: Error) => void = ignore;

  constructor(stream: StreamSocket, scheduler: Scheduler) {
    this.#stream = stream;
    this.#scheduler = scheduler;
  }

  async read(buffer: Uint8Array, options: OperationOptions = NO_OPTIONS): Promise<number> {
    requireRoom(buffer);
    this.#begin(options);
    try {
      return this.#held.moveTo(buffer) || (await this.#readInto(buffer, options));
    } catch (error) {
      return inCallersStack(error);
    } finally {
      this.#isBusy = false;
    }
  }

  async readExactly(wanted: number | Uint8Array, options: OperationOptions = NO_OPTIONS): Promise<Buffer | null> {
    const target = targetOf(wanted);
    this.#begin(options);
    let filled = 0;
    try {
      const deadline = new Deadline(this.#scheduler, options);
      filled = this.#held.moveTo(target);
      while (filled < target.length) {
        const bytes = await this.#readInto(target.subarray(filled), deadline.next());
        if (bytes === 0 && filled === 0) return null;
        if (bytes === 0) throw endedEarly(`${target.length} bytes`, filled);
        filled += bytes;
      }
      return target;
    } catch (error) {
      this.#held.putBack(target.subarray(0, filled));
      return inCallersStack(error);
    } finally {
      this.#isBusy = false;
    }
  }

  async readUntil(delimiter: string | Uint8Array, options: DelimitedOptions = NO_OPTIONS): Promise<Buffer | null> {
    const wanted = delimiterOf(delimiter);
    const length = await this.#lengthUntil(wanted, options);
    if (length > 0) return this.#held.take(length);
    if (this.#held.length === 0) return null;
    throw endedEarly('the delimiter', this.#held.length);
  }

  /** The next line without its end; null at the end of the stream. The last one needs no end. */
  async readLine(options: DelimitedOptions): Promise<string | null> {
    const length = (await this.#lengthUntil(LINE_FEED, options)) || this.#held.length;
    if (length === 0) return null;
    const line = this.#held.view(0, length);
    let end = length;
    if (line[end - 1] === LINE_FEED[0]) end--;
    if (end < length && line[end - 1] === CARRIAGE_RETURN) end--;
    const text = line.toString('utf8', 0, end);
    this.#held.drop(length);
    return text;
  }

  /** The next chunk, as an iterator gives it. The bytes are the caller's. */
  async nextChunk(options: OperationOptions = NO_OPTIONS): Promise<IteratorResult<Buffer, undefined>> {
    this.#begin(options);
    try {
      if (this.#held.length > 0) return { done: false, value: this.#held.take(this.#held.length) };
      const chunk = new Promise<Buffer>(this.#keepChunk);
      this.#stream.readView(options, this.#onChunk);
      const value = await chunk;
      return value.length === 0 ? { done: true, value: undefined } : { done: false, value };
    } catch (error) {
      return inCallersStack(error);
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * Gives what is held to whoever reads from now on; later calls are refused.
   * @throws NetworkError when a read is under way, or has seen the end
   */
  giveAway(): Buffer {
    this.#begin(NO_OPTIONS);
    this.#isBusy = false;
    if (this.#hasSeenEnd) throw endWasRead();
    this.#isClosed = true;
    return this.#held.take(this.#held.length);
  }

  /** Later calls are refused; what is held is nobody's any more. */
  close(): void {
    this.#isClosed = true;
    if (!this.#isBusy) this.#held.drop(this.#held.length);
  }

  /** The length of what ends with the delimiter; 0 when the stream ends before. */
  async #lengthUntil(delimiter: Uint8Array, options: DelimitedOptions): Promise<number> {
    const { limit = DEFAULT_LIMIT } = options;
    requireInteger('limit', limit, 1, MAX_BYTES);
    this.#begin(options);
    try {
      const deadline = new Deadline(this.#scheduler, options);
      let searched = 0;
      for (;;) {
        const { length } = this.#held;
        const at = this.#held.indexOf(delimiter, searched);
        if (at !== -1 && at + delimiter.length <= limit) return at + delimiter.length;
        if (at !== -1 || length >= limit) throw limitReached(limit);
        searched = Math.max(0, length - delimiter.length + 1); // its beginning may have come
        const more = new Promise<number>(this.#keep);
        this.#stream.readView(deadline.next(), this.#onHeld);
        if ((await more) === 0) return 0;
      }
    } catch (error) {
      return inCallersStack(error);
    } finally {
      this.#isBusy = false;
    }
  }

  #readInto(buffer: Uint8Array, options: OperationOptions): Promise<number> {
    const bytes = new Promise<number>(this.#keep);
    this.#stream.read(buffer, options, this.#onBytes);
    return bytes;
  }

  /** @throws NetworkError when no read can begin: nothing is taken then. */
  #begin({ signal }: OperationOptions): void {
    if (this.#isClosed) throw closedHere('connection');
    if (this.#isBusy) throw readUnderWay();
    if (signal?.aborted === true) throw aborted(signal);
    this.#isBusy = true;
  }

  readonly #keep = (resolve: (bytes: number) => void, reject: (error: Error) => void): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  readonly #keepChunk = (resolve: (chunk: Buffer) => void, reject: (error: Error) => void): void => {
    this.#resolveChunk = resolve;
    this.#reject = reject;
  };

  readonly #onBytes: BytesCallback = (error, bytes) => {
    if (error !== null) return this.#reject(error);
    this.#hasSeenEnd = bytes === 0;
    this.#resolve(bytes);
  };

  readonly #onHeld: ViewCallback = (error, view) => {
    if (error !== null) return this.#reject(error);
    this.#hasSeenEnd = view.length === 0;
    this.#held.append(view);
    this.#resolve(view.length);
  };

  readonly #onChunk: ViewCallback = (error, view) => {
    if (error !== null) return this.#reject(error);
    this.#hasSeenEnd = view.length === 0;
    this.#resolveChunk(Buffer.from(view));
  };
}

function ignore(): void {
  // No read is under way.
}

function requireRoom(buffer: Uint8Array): void {
  if (!(buffer instanceof Uint8Array)) throw wrongType('buffer', 'a Uint8Array', buffer);
  requireInteger('the length of buffer', buffer.length, 1, MAX_BYTES);
}

/** @param wanted a number of bytes, or the buffer that they fill */
function targetOf(wanted: number | Uint8Array): Buffer {
  if (typeof wanted === 'number') {
    requireInteger('size', wanted, 1, MAX_BYTES);
    return Buffer.allocUnsafe(wanted);
  }
  requireRoom(wanted);
  return Buffer.from(wanted.buffer, wanted.byteOffset, wanted.byteLength);
}

function delimiterOf(delimiter: unknown): Uint8Array {
  if (typeof delimiter !== 'string' && !(delimiter instanceof Uint8Array)) {
    throw wrongType('delimiter', 'a string or a Uint8Array', delimiter);
  }
  const bytes = typeof delimiter === 'string' ? Buffer.from(delimiter) : delimiter;
  requireInteger('the length of the delimiter', bytes.length, 1, DEFAULT_LIMIT);
  return bytes;
}
