/** A connection, with promises. docs/promises.md explains it. */
import type { Socket } from 'node:net';
import type { ReadableStream, WritableStream } from 'node:stream/web';
import type { FileSource, SendFileOptions } from '../pal/file-transfer.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { CloseOptions, WriteData } from '../pal/network-pal.ts';
import type { OperationOptions } from '../pal/pending-operation.ts';
import type { ProxyHeader } from '../pal/proxy-protocol.ts';
import type { Scheduler } from '../platform/platform.ts';
import { requireInteger } from '../util/validate.ts';
import { byteStreamOf, writableStreamOf } from './web-streams.ts';
import { inCallersStack } from './caller-stack.ts';
import { ConnectionReader, type DelimitedOptions } from './connection-reader.ts';
import { ConnectionWriter } from './connection-writer.ts';
import { iterate } from './iterate.ts';
import { closedHere } from './sockets/errors.ts';
import type { StreamSocket } from './sockets/network-sockets.ts';

const MAX_GRACE_MS = 2 ** 31 - 1;

/**
 * One side of a TCP connection, made by connect() or by a Server.
 *
 * Every call returns a promise and takes `{ signal, timeout }`; a timeout is one deadline for the whole call. One read of any
 * sort at a time. A read that is aborted or times out has taken no bytes: the next one gets them. A call that is pending
 * when the connection is closed here, or comes after it, is rejected with kind ConnectionClosed (ECANCELED).
 */
export class Connection {
  /** Where this side is bound. */
  readonly local: Endpoint;
  /** The peer: the client, where a PROXY header has said who that is. */
  readonly remote: Endpoint;
  /** The PROXY header that it began with; null for a connection without one. */
  readonly proxyHeader: ProxyHeader | null;
  readonly #stream: StreamSocket;
  readonly #reader: ConnectionReader;
  readonly #writer: ConnectionWriter;
  readonly #onClosed: ((connection: Connection) => void) | undefined;
  #closed: Promise<void> | null = null;
  /** What it was given away as. */
  #socket: Socket | null = null;
  /** By reset(), while it was closing or being given away. */
  #isReset = false;
  #readable: ReadableStream<Uint8Array> | null = null;
  #writable: WritableStream<string | Uint8Array> | null = null;

  /** @internal connect() and Server make connections. */
  constructor(stream: StreamSocket, scheduler: Scheduler, onClosed?: (connection: Connection) => void) {
    this.local = stream.local;
    this.remote = stream.remote;
    this.proxyHeader = stream.proxyHeader;
    this.#stream = stream;
    this.#reader = new ConnectionReader(stream, scheduler);
    this.#writer = new ConnectionWriter(stream, scheduler);
    this.#onClosed = onClosed;
  }

  /**
   * Reads what is there into the start of `buffer`: 1 … buffer.length bytes, or 0 at the end of the stream. The way without an
   * allocation; the buffer is yours again when the promise settles.
   */
  read(buffer: Uint8Array, options?: OperationOptions): Promise<number> {
    return this.#reader.read(buffer, options);
  }

  /**
   * Reads exactly so many bytes, or as many as fill the buffer. Null when the stream has ended before the first of them.
   * @throws NetworkError ERR_UNEXPECTED_END when it ends later. Whatever the error, what had come is given to the next read.
   */
  readExactly(wanted: number | Uint8Array, options?: OperationOptions): Promise<Buffer | null> {
    return this.#reader.readExactly(wanted, options);
  }

  /**
   * Reads up to the delimiter, which is the end of what is returned. Null when the stream has ended and nothing is left.
   * @param delimiter bytes, or text in UTF-8
   * @throws NetworkError ERR_LIMIT_REACHED when it has not come within `limit` bytes, ERR_UNEXPECTED_END when the stream ends before
   *   it. Whatever the error, what had come is given to the next read.
   */
  readUntil(delimiter: string | Uint8Array, options?: DelimitedOptions): Promise<Buffer | null> {
    return this.#reader.readUntil(delimiter, options);
  }

  /**
   * The lines that come, as UTF-8 text without their ends (LF or CRLF); the last one needs none. A `timeout` is for each line.
   * A loop that is left early closes the connection.
   * @throws NetworkError ERR_LIMIT_REACHED for a line of more than `limit` bytes.
   */
  lines(options: DelimitedOptions = {}): AsyncGenerator<string, undefined, undefined> {
    return iterate(
      () => this.#reader.readLine(options),
      () => this.close(),
    );
  }

  /**
   * The bytes as they come, in chunks that are yours to keep, until the peer ends the stream. A `timeout` is for each chunk.
   * A loop that is left early closes the connection; one that ends by an error does not.
   */
  chunks(options?: OperationOptions): AsyncIterableIterator<Buffer> {
    const iterator: AsyncIterableIterator<Buffer> = {
      next: () => this.#reader.nextChunk(options),
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** chunks() without options: `for await (const chunk of connection)`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return this.chunks();
  }

  /**
   * Sends all of it, in order. Done when no more than 64 KiB wait to be sent; the data is yours again then. A failure that comes
   * later is the next call's.
   * @param data bytes, several pieces of bytes, or text in UTF-8
   * @throws NetworkError. Aborted or timed out while it waits, a part may have been sent: then every later write fails with EPIPE,
   *   and closing resets the connection.
   */
  write(data: string | WriteData, options?: OperationOptions): Promise<void> {
    return this.#writer.write(data, options);
  }

  /**
   * Waits until nothing waits to be sent here and it is this connection's turn to send: the thread's loop lets thousands of connections
   * that are written to at the same time send in a line. For whoever makes up late what to send: what has come meanwhile goes out with one write.
   * @throws NetworkError what a write has failed with; close() or reset() comes meanwhile; aborted or timed out
   */
  ready(options?: OperationOptions): Promise<void> {
    return this.#writer.ready(options);
  }

  /** Sends a file in order with what is written. Returns the bytes sent, head and tail included. docs/files.md */
  sendFile(file: FileSource, options?: SendFileOptions): Promise<number> {
    return this.#writer.sendFile(file, options);
  }

  /**
   * Ends this side: FIN behind what was written. Done when it is on its way; reading goes on.
   * @throws NetworkError for a write that had failed and that nobody has heard of, too.
   */
  closeWrite(options?: OperationOptions): Promise<void> {
    return this.#writer.end(options);
  }

  /**
   * What comes, as a Web stream of bytes; made when it is first asked for. It reads when somebody reads from it, and into the buffer of a
   * reader that brings one. Cancelling it closes the connection.
   */
  get readable(): ReadableStream<Uint8Array> {
    return (this.#readable ??= byteStreamOf(this));
  }

  /**
   * A Web stream that writes; made when it is first asked for. Its back-pressure is that of write(). Closing it is closeWrite(), and
   * aborting it resets the connection.
   */
  get writable(): WritableStream<string | Uint8Array> {
    return (this.#writable ??= writableStreamOf(this));
  }

  /**
   * Gives the connection away as a net.Socket, for code that takes one: http.Server's 'connection', tls.connect({ socket }). It gives first what
   * has come and was not read. On a PAL its class is that of iocp-pal/net. Calls of the connection are rejected from then on as after
   * close(), and close() waits until the socket is closed.
   * @throws NetworkError ERR_READ_UNDER_WAY; ERR_END_WAS_READ when a read has seen the end of the stream; what a write has failed with;
   *   ECANCELED when reset() comes meanwhile.
   */
  async toSocket(): Promise<Socket> {
    try {
      if (this.isClosed) throw closedHere('connection');
      this.#writer.requireUnbroken();
      const head = this.#reader.giveAway();
      this.#writer.close();
      const made = this.#stream.toSocket(head, !this.#writer.hasEnded);
      this.#closed = this.#untilClosed(made);
      const socket = await made;
      if (this.#isReset) {
        socket.destroy();
        throw closedHere('connection');
      }
      return (this.#socket = socket);
    } catch (error) {
      return inCallersStack(error);
    }
  }

  /**
   * Sends what was written, then FIN, and closes. Rejected for a grace that makes no sense, and for nothing else; a second call waits for
   * the first. Reads that are pending are rejected at once.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { graceMs } = options;
    if (graceMs !== undefined) requireInteger('graceMs', graceMs, 0, MAX_GRACE_MS);
    await (this.#closed ??= this.#close((done) => this.#stream.close(options, done)));
  }

  /** Drops what has not been sent, and ends the connection with RST. Also cuts a close() short. Never rejected. */
  reset(): Promise<void> {
    const before = this.#closed;
    if (before === null) return (this.#closed = this.#close((done) => this.#stream.reset(done)));
    if (this.#socket === null) {
      this.#isReset = true;
      this.#stream.reset(() => undefined);
    } else this.#socket.resetAndDestroy();
    return before;
  }

  /** True once close(), reset() or toSocket() was called. */
  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Sends small segments at once (TCP_NODELAY), or not. */
  setNoDelay(on = true): void {
    if (!this.isClosed) this.#stream.setNoDelay(on);
  }

  /** Probes a peer that is silent, after so many seconds (default: the system's), or not. */
  setKeepAlive(on = true, idleSeconds?: number): void {
    if (!this.isClosed) this.#stream.setKeepAlive(on, idleSeconds);
  }

  /** Keeps (the default) the process alive while a call is pending. */
  ref(): void {
    this.#stream.ref();
  }

  /** Lets the process end although a call is pending. */
  unref(): void {
    this.#stream.unref();
  }

  /** close(), for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #untilClosed(made: Promise<Socket>): Promise<void> {
    try {
      const socket = await made;
      await new Promise((resolve) => socket.once('close', resolve));
    } catch {
      await new Promise<void>((resolve) => this.#stream.reset(resolve)); // toSocket() tells why
    }
    this.#onClosed?.(this);
  }

  async #close(start: (done: () => void) => void): Promise<void> {
    this.#reader.close();
    this.#writer.close();
    await new Promise<void>(start);
    this.#onClosed?.(this);
  }
}
