/**
 * Sending a file: a request in its socket's write queue, which has the socket's one send operation while its turn lasts.
 *
 *   Waiting ──its turn──► Opening ──► Transmitting ─┐
 *                            │            │ refused │ the last byte of the file is taken
 *                            │            ▼         ├──► an ordinary write of the tail, or done
 *                            └───────► Copying ─────┘
 *
 * Transmitting: one TransmitFile of at most TRANSMIT_BYTES after the other, the head in front of the first. Copying: two
 * pinned blocks in turn; node:fs reads into one while the other is being sent. What it calls back with is taken up in a
 * turn of the loop, as everything that changes a socket's state.
 *
 * The file is closed when nobody reads from it any more: neither the kernel (the operation has come back) nor the thread
 * pool (the read has called back). A read that is under way counts among the connection's operations in flight, so
 * that neither the socket nor the memory goes before it. Opening does not: a share on a machine that is down answers
 * after a minute. Whoever gives the request up meanwhile gets the operation back at once; the file is closed once open.
 */
import { INVALID_HANDLE_VALUE } from '../../../ffi/constants.ts';
import { WSAECONNRESET, WSAENOBUFS, WSAENOTCONN } from '../../../ffi/wsa-errors.ts';
import type { SendFileOptions } from '../../pal/file-transfer.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { FileDescription } from '../../pal/pal-description.ts';
import { abandonOperation } from '../../sockets/abandon.ts';
import { bound } from '../../platform/async-context.ts';
import { BLOCK_SIZES, classFor, LARGEST_CLASS, type Block } from '../../memory/block-pool.ts';
import { settleClose } from '../../sockets/closer.ts';
import type { Connection } from '../connection/connection.ts';
import { DoubleBuffer } from '../../memory/double-buffer.ts';
import type { Context } from '../../context/context.ts';
import { fileError, fileHandleClosed, fileRange, fileShrunk } from '../../util/errors.ts';
import type { FileFacts, Files, OpenableFile } from '../../platform/platform.ts';
import { OperationState, type Operation } from '../../memory/operation.ts';
import { writeOf } from '../connection/write-state.ts';
import { copyOf, type QueuedFile, type WriteRequest } from '../connection/requests.ts';
import { finishFile, refuseFile, runSoon, abortFile } from '../write-queue.ts';
import { send } from '../writer.ts';
import { handleBehind, isRefusal, setHead, setPosition, TRANSMIT_BYTES } from '../../memory/transmit-buffers.ts';

/** Bytes that are read at a time where there is no TransmitFile: the largest block. Two of them are pinned per file. */
const READ_BYTES = BLOCK_SIZES[LARGEST_CLASS] ?? 0;

/** One file on its way: where it is in the life above, and what it has of its connection's queue. */
export class FileJob implements QueuedFile {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  sent = 0;
  length = NaN;
  /** What is wrong with the file, found when nothing could be done about it at once. */
  failure: NetworkError | null = null;
  readonly #context: Context;
  readonly #files: Files;
  readonly #connection: Connection;
  #onProgress: SendFileOptions['onProgress'];
  readonly #source: OpenableFile;
  readonly #offset: number;
  readonly #wanted: number | undefined;
  #mayTransmit: boolean;
  #request: WriteRequest | null = null;
  /** The send operation, while the job has it. */
  #operation: Operation | null = null;
  isBusy = false;
  isAbandoned = false;
  #reported = 0;
  #fd = -1;
  #owned = false;
  #isRegular = false;
  /** TransmitFile has answered at once, so that an error of its means that nothing was sent. */
  #wasRefused = false;
  /** A piece has failed, and nobody can know how much of it had gone out. */
  #isDoubtful = false;
  #handle = INVALID_HANDLE_VALUE;
  /** Copying: where it is read into and sent from, and the bytes of the file read. */
  readonly #buffer: DoubleBuffer;
  #read = 0;
  #reading = false;
  #ended = false;

  constructor(context: Context, connection: Connection, files: Files, source: OpenableFile, options: SendFileOptions) {
    this.#context = context;
    this.#files = files;
    this.#connection = connection;
    this.#source = source;
    this.#offset = options.offset ?? 0;
    this.#wanted = options.length;
    this.#mayTransmit = options.transmitFile ?? true;
    this.head = copyOf(options.head);
    this.tail = copyOf(options.tail);
    if (options.onProgress !== undefined) this.#onProgress = bound('sendFile', options.onProgress);
    this.#buffer = new DoubleBuffer(context.blocks);
  }

  get isSent(): boolean {
    return this.sent === this.length;
  }

  get isUntouched(): boolean {
    return !this.isBusy && !this.#isDoubtful && this.sent === 0 && (this.#request?.sent ?? 0) === 0;
  }

  describe(): FileDescription {
    const source = this.#source;
    const descriptor = typeof source === 'object' ? source.fd : source;
    return {
      source: typeof descriptor === 'string' ? descriptor : `descriptor ${descriptor}`,
      offset: this.#offset,
      length: Number.isNaN(this.length) ? null : this.length,
      sent: this.sent,
    };
  }

  /** The operation is the job's, ready for the next piece. The request is at the head of the queue. */
  proceed(operation: Operation, request: WriteRequest): void {
    const isFirst = this.#operation === null;
    this.#operation = operation;
    this.#request = request;
    if (!isFirst) return this.#next();
    try {
      this.#begin(request);
    } catch (error) {
      this.#abandon(operation, error);
    }
  }

  /**
   * The operation has come back. Returns the bytes of the head among those it has sent; the rest is counted here. What is
   * wrong with the file is in `failure` afterwards; an error of TransmitFile that only means that this is not a socket or
   * a file for it is gone from the operation, and one that only TransmitFile has is what a send would have said.
   */
  take(operation: Operation, request: WriteRequest): number {
    this.isBusy = false;
    const { bytes, error, requested } = operation;
    const ofHead = Math.min(bytes, this.head.length - request.sent);
    this.sent += bytes - ofHead;
    if (this.#buffer.front !== null) this.#buffer.sent(bytes);
    else if (this.#wasRefused && this.isUntouched && isRefusal(error)) {
      this.#mayTransmit = false;
      operation.error = 0;
    } else if (error === WSAENOTCONN) {
      // It looks for the peer first, and a connection that was reset has none: the same event as a send's WSAECONNRESET.
      operation.error = WSAECONNRESET;
    } else if (bytes < requested) this.#lookForEnd();
    if (operation.error !== 0) this.#isDoubtful = true;
    return ofHead;
  }

  report(): void {
    if (this.sent === this.#reported) return;
    this.#reported = this.sent;
    this.#onProgress?.(this.sent, this.length);
  }

  released(): void {
    this.#operation = null;
    this.isBusy = false;
    if (this.isAbandoned) this.#dispose();
  }

  /** The request is being answered without the rest of the file. */
  abandon(): void {
    if (this.isAbandoned) return;
    this.isAbandoned = true;
    if (this.#fd < 0) this.#onProgress = undefined; // it may take a minute to be opened, and nothing is reported any more
    const operation = this.#operation;
    if (operation === null) this.#dispose();
    else if (!this.isBusy) this.#giveBack(operation);
  }

  done(): void {
    this.#operation = null;
    this.#dispose();
  }

  #begin(request: WriteRequest): void {
    writeOf(this.#connection).enterFile(this);
    const source = this.#source;
    if (typeof source === 'string') return this.#open(source);
    if (typeof source === 'number') return this.#opened(null, source);
    // The caller's own code, where it is no FileHandle of Node's but something like it.
    const isOpen = request.callback.runInAsyncScope(() => source.handle.fd === source.fd);
    if (isOpen || this.isAbandoned) this.#opened(null, source.fd);
    else refuseFile(this.#context, this.#connection, fileHandleClosed());
  }

  #open(path: string): void {
    this.#files.open(path, (error, fd) => {
      if (error === null) this.#owned = true;
      // Given up meanwhile: there may be no loop any more.
      if (this.isAbandoned) this.#opened(error, fd);
      else this.#context.loop.enqueue(() => this.#opened(error, fd));
    });
  }

  #opened(error: NodeJS.ErrnoException | null, fd: number): void {
    if (error === null) {
      this.#fd = fd;
      if (this.#owned) this.#context.openFiles++;
    }
    if (this.isAbandoned) return this.#dispose();
    if (error !== null) return refuseFile(this.#context, this.#connection, fileError(error));
    let facts: FileFacts;
    try {
      facts = this.#files.facts(fd);
    } catch (unknown) {
      return refuseFile(this.#context, this.#connection, fileError(unknown as NodeJS.ErrnoException));
    }
    // What is no regular file has no size and no places: what comes is sent, as much as was asked for or to the end.
    const size = facts.regular ? facts.size : null;
    const length = this.#wanted ?? (size === null ? NaN : size - this.#offset);
    if (size === null ? this.#offset > 0 : length < 0 || this.#offset + length > size) {
      return refuseFile(this.#context, this.#connection, fileRange(this.#offset, this.#wanted, size));
    }
    this.length = length;
    this.#isRegular = facts.regular;
    if (this.#mayTransmit && facts.regular) this.#handle = handleBehind(this.#files, fd);
    this.#next();
  }

  #next(): void {
    const operation = this.#operation;
    const request = this.#request;
    if (operation === null || request === null) return;
    if (this.failure !== null) return this.fail(this.failure);
    if (this.isSent) return endFile(this.#context, this.#connection, operation, this);
    try {
      if (this.#transmits) this.#transmit(operation, request);
      else this.#copy(operation);
    } catch (error) {
      this.#abandon(operation, error);
    }
  }

  /** The next piece could not be started: it ends as one that has failed. */
  #abandon(operation: Operation, error: unknown): void {
    this.isBusy = true;
    if (!operation.handedOver) operation.requested = 0;
    abandonOperation(this.#context, this.#connection, operation, error);
  }

  get #transmits(): boolean {
    return (
      this.#mayTransmit &&
      this.#handle !== INVALID_HANDLE_VALUE &&
      this.#context.transport.canTransmit(this.#connection)
    );
  }

  #transmit(operation: Operation, request: WriteRequest): void {
    const { operations, blocks, transport } = this.#context;
    setPosition(operations, operation, this.#offset + this.sent);
    const length = Math.min(TRANSMIT_BYTES, this.length - this.sent);
    const head = this.head.subarray(request.sent);
    let buffers = 0;
    if (head.length > 0) {
      const block = blocks.take(classFor(head.length));
      operation.block = block;
      if (block === null || block.size < head.length) return this.#starve(operation);
      block.bytes.set(head);
      buffers = setHead(operations, operation, block.address, head.length);
    }
    operation.requested = head.length + length;
    this.isBusy = true;
    transport.transmitFile(this.#connection, operation, this.#handle, length, buffers);
    this.#wasRefused = operation.state === OperationState.Completed;
  }

  /** Sends what has been read, and has the next part read meanwhile. */
  #copy(operation: Operation): void {
    const front = this.#buffer.next();
    if (!this.#reading && !this.#buffer.isFull && !this.#ended && this.failure === null) this.#readMore(operation);
    if (front === null) return; // the read calls back
    const length = front.end - front.start;
    this.#context.operations.setSegment(operation, 0, front.block.address + front.start, length);
    operation.requested = length;
    this.isBusy = true;
    this.#context.transport.send(this.#connection, operation, 1);
  }

  #readMore(operation: Operation): void {
    const head = this.#read === 0 ? this.head.length : 0;
    const left = Number.isNaN(this.length) ? READ_BYTES : this.length - this.#read;
    if (left === 0) return;
    const block = this.#buffer.takeEmpty(Math.min(READ_BYTES, head + left));
    if (block === null || block.size <= head) {
      if (block !== null) this.#buffer.giveEmpty(block);
      // With a block on its way there will be one to read into soon.
      if (this.#buffer.front === null) this.#starve(operation);
      return;
    }
    if (head > 0) block.bytes.set(this.head);
    const length = Math.min(block.size - head, left);
    const position = this.#isRegular ? this.#offset + this.#read : -1;
    this.#reading = true;
    this.#context.operations.beginWork(this.#connection);
    try {
      this.#files.read(this.#fd, block.bytes.subarray(head, head + length), position, (error, bytes) => {
        this.#context.loop.enqueue(() => {
          this.#reading = false;
          this.#context.operations.endWork(this.#connection);
          this.#gotMore(block, head, error, bytes);
        });
      });
    } catch (error) {
      this.#reading = false;
      this.#context.operations.endWork(this.#connection);
      this.#buffer.giveEmpty(block);
      throw error;
    }
  }

  #gotMore(block: Block, head: number, error: NodeJS.ErrnoException | null, bytes: number): void {
    const context = this.#context;
    if (bytes === 0 || error !== null || this.isAbandoned) {
      this.#buffer.giveEmpty(block);
      this.#ended = true;
      if (this.isAbandoned) {
        if (!this.isBusy) this.#dispose();
        settleClose(context, this.#connection);
        return;
      }
      if (error !== null) this.failure = fileError(error);
      else if (Number.isNaN(this.length)) this.length = this.#read;
      else this.failure = fileShrunk(this.#offset + this.length, this.#offset + this.#read);
    } else {
      this.#read += bytes;
      this.#buffer.fill(block, head + bytes);
    }
    if (!this.isBusy) this.#next();
  }

  /** TransmitFile has sent less than it was asked for: because the file has become shorter? */
  #lookForEnd(): void {
    try {
      const { size } = this.#files.facts(this.#fd);
      const needed = this.#offset + this.length;
      if (size < needed) this.failure = fileShrunk(needed, size);
    } catch (error) {
      this.failure = fileError(error as NodeJS.ErrnoException);
    }
  }

  /** No memory to send from: the send ends as one that the system had no memory for. */
  #starve(operation: Operation): void {
    operation.requested = 0;
    operation.syscall = 'VirtualAlloc';
    this.isBusy = true;
    this.#context.loop.completeSynchronously(operation, WSAENOBUFS, 0);
  }

  /** Ends the request with what is wrong with its file. The operation is idle. */
  fail(error: NetworkError): void {
    if (this.isUntouched) refuseFile(this.#context, this.#connection, error);
    else abortFile(this.#context, this.#connection, error);
  }

  /** Nothing was submitted: an empty success carries the queue on. */
  #giveBack(operation: Operation): void {
    this.#operation = null;
    writeOf(this.#connection).leaveFile();
    operation.requested = 0;
    this.#context.loop.completeSynchronously(operation, 0, 0);
    this.#dispose();
  }

  /** Closes the file and gives the blocks back, once nobody reads from or into them. */
  #dispose(): void {
    if (this.#reading) return;
    this.#buffer.dispose();
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    if (!this.#owned) return;
    this.#context.openFiles--;
    try {
      this.#files.close(fd);
    } catch {
      // The descriptor is gone either way, and nothing was written that could be lost.
    }
  }
}

/** A file turns out to need no further send. The operation is idle. */
function endFile(context: Context, connection: Connection, operation: Operation, file: FileJob): void {
  const request = connection.write.queue.first;
  const done = request === null ? null : finishFile(connection, request, file);
  if (done === null) {
    send(context, connection, operation);
    return;
  }
  runSoon(context, connection, done);
  // Nothing was submitted: an empty success carries the queue on.
  operation.requested = 0;
  context.loop.completeSynchronously(operation, 0, 0);
}
