/**
 * The sending side of a connection. Whatever changes it goes through the methods here.
 *
 *   end      Open ──shutdown('send')──► Ending ──the queue is empty──► Ended
 *              └──────────────── a close, before it cancels ─────────────►┘
 *
 *   stream   Whole ──a send has failed──► Broken
 *              └──bytes in the middle are missing──► Truncated ◄──the same──┘
 *
 * Open takes writes. Ending takes none any more, and the FIN follows the last that is queued. Ended: the system has the FIN.
 *
 * A Broken stream takes no writes: whoever writes before being told must not write behind a hole. Of a Truncated one the peer
 * would take the end for a good one: it never gets a FIN, and a close resets it.
 *
 * A write of which a part has gone out can only be taken back by cancelling the send that has the rest (aborting). What comes
 * of that send decides: when it has got through nevertheless, the stream is still Whole.
 *
 * The send operation is there from the first write on until the queue is empty, or the stream has failed.
 */
import { ERROR_OPERATION_ABORTED } from '../../../ffi/wsa-errors.ts';
import type { Operation } from '../../memory/operation.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { ShutdownCallback } from '../../pal/network-pal.ts';
import { LinkedQueue } from '../../util/linked-queue.ts';
import type { DrainRequest, QueuedFile, WriteRequest } from './requests.ts';

/** How far the end of the stream is. */
export const WriteEnd = { Open: 0, Ending: 1, Ended: 2 } as const;
type WriteEnd = (typeof WriteEnd)[keyof typeof WriteEnd];

/** What the peer can still get. */
export const Stream = { Whole: 0, Broken: 1, Truncated: 2 } as const;
type Stream = (typeof Stream)[keyof typeof Stream];

export class WriteState {
  readonly queue = new LinkedQueue<WriteRequest>();
  /** Bytes of the queue that the kernel has not taken. */
  queuedBytes = 0;
  /** Who waits until there are fewer of them; null until somebody does. */
  drains: Set<DrainRequest> | null = null;
  /** The order of the last write of which the send operation has bytes. */
  lastGathered = 0;
  operation: Operation | null = null;
  /** The file that the send operation is working on: the head of the queue, or one that was dropped meanwhile. */
  file: QueuedFile | null = null;
  end: WriteEnd = WriteEnd.Open;
  stream: Stream = Stream.Whole;
  aborting = false;
  /** The send waits for its turn in the loop (deferred-send.ts). */
  isDeferred = false;
  /** Winsock error code of what has ended the stream, 0 while it is Whole; the system call that failed; what was thrown. */
  failure = 0;
  failureSyscall = '';
  failureCause: unknown = null;
  /** Writes that were refused and whose callbacks have not come yet: what follows a hole must not be sent. */
  refusals = 0;
  /** Why the first of them was. */
  refusal: NetworkError | null = null;
  /** Sends in a row that completed with success and not one byte. */
  emptySends = 0;
  /** Winsock error code of the shutdown that was to send the FIN. */
  endFailure = 0;
  /** Who waits for the FIN. */
  #endWaiters: ShutdownCallback[] | null = null;
  /** Writes that were queued so far. */
  #queued = 0;

  enqueue(request: WriteRequest): void {
    if (this.end !== WriteEnd.Open || this.stream !== Stream.Whole)
      throw impossible('A write behind the end of its stream');
    this.queue.push(request);
    request.order = ++this.#queued;
    this.queuedBytes += request.total;
  }

  /** Bytes of the queue were sent, or dropped. */
  dequeueBytes(bytes: number): void {
    this.queuedBytes -= bytes;
  }

  awaitDrain(request: DrainRequest): void {
    this.drains ??= new Set();
    this.drains.add(request);
  }

  /** The queue is being sent from now on. */
  begin(operation: Operation): void {
    if (this.operation !== null) throw impossible('A second send');
    this.operation = operation;
  }

  /** The send stands in the loop's line from now on, or no longer. */
  deferred(waits: boolean): void {
    this.isDeferred = waits;
  }

  /** Nothing is being sent any more. Returns the operation's file, which has to be notified. */
  finish(): QueuedFile | null {
    this.operation = null;
    return this.leaveFile();
  }

  /** A send has bytes up to this write. */
  gathered(order: number): void {
    this.lastGathered = order;
  }

  /** A send came back with so many of the bytes that it had. Returns how many in a row have taken none. */
  sent(bytes: number, requested: number): number {
    return (this.emptySends = bytes > 0 || requested === 0 ? 0 : this.emptySends + 1);
  }

  enterFile(file: QueuedFile): void {
    this.file = file;
  }

  /** And on none any more. Returns the one that it did. */
  leaveFile(): QueuedFile | null {
    const { file } = this;
    this.file = null;
    return file;
  }

  refuse(error: NetworkError): void {
    this.refusals++;
    this.refusal ??= error;
  }

  /** Its callback has run. */
  refusalTold(): void {
    this.refusals--;
    if (this.refusals === 0) this.refusal = null;
  }

  /** The end follows what is queued. */
  endBehindQueue(): void {
    if (this.end !== WriteEnd.Open) throw impossible('A second end of a stream');
    this.end = WriteEnd.Ending;
  }

  /** The FIN goes out now. Returns false when there is to be none: it is out already, or the peer must not take it for one. */
  ends(): boolean {
    if (this.end === WriteEnd.Ended || this.stream === Stream.Truncated) return false;
    if (this.queue.length > 0) throw impossible('A FIN in front of queued writes');
    this.end = WriteEnd.Ended;
    return true;
  }

  /** The system has refused the FIN. */
  endFailed(code: number): void {
    this.endFailure = code;
  }

  /** One more wants to know when the FIN is out. */
  awaitEnd(callback: ShutdownCallback): void {
    this.#endWaiters ??= [];
    this.#endWaiters.push(callback);
  }

  /** Those who do, who are about to learn of it. */
  takeEndWaiters(): readonly ShutdownCallback[] {
    const waiters = this.#endWaiters ?? [];
    this.#endWaiters = null;
    return waiters;
  }

  /** A write is to be taken back although a part of it has gone out. */
  abort(): void {
    if (this.queue.length === 0) throw impossible('Taking back a write that is not queued');
    this.aborting = true;
  }

  /** The send that was cancelled for that has come back. Returns whether it was. */
  aborted(): boolean {
    const { aborting } = this;
    this.aborting = false;
    return aborting;
  }

  /** A send has failed. @param truncates bytes are missing in the middle: this is no error of the connection's */
  fail(code: number, syscall: string, cause: unknown, truncates: boolean): void {
    if (this.stream === Stream.Broken) throw impossible('A send on a broken stream');
    this.failure = code;
    this.failureSyscall = syscall;
    this.failureCause = cause;
    if (truncates) this.stream = Stream.Truncated;
    else if (this.stream === Stream.Whole) this.stream = Stream.Broken;
  }

  /** A write could not be queued whose caller goes on as if it had been: the stream ends behind what is queued. */
  truncate(): void {
    this.stream = Stream.Truncated;
    this.failure = ERROR_OPERATION_ABORTED;
  }
}

/** What a connection says of its sending side: nothing here changes it. */
export type WriteView = Readonly<
  Pick<
    WriteState,
    | 'queuedBytes'
    | 'isDeferred'
    | 'drains'
    | 'operation'
    | 'file'
    | 'end'
    | 'stream'
    | 'failure'
    | 'failureSyscall'
    | 'failureCause'
    | 'refusals'
    | 'refusal'
    | 'endFailure'
  >
> & { readonly queue: Pick<WriteState['queue'], 'first' | 'length' | typeof Symbol.iterator> };

/** That of all connections on which nothing has been written: most of those that are open. It never changes. */
export const UNWRITTEN: WriteView = new WriteState();

/** The sending side of a connection, to change it. The first time makes one of the connection's own. */
export function writeOf(connection: { write: WriteView }): WriteState {
  return connection.write === UNWRITTEN ? ownWriteOf(connection) : (connection.write as WriteState);
}

function ownWriteOf(connection: { write: WriteView }): WriteState {
  const own = new WriteState();
  connection.write = own;
  return own;
}

function impossible(what: string): Error {
  return new Error(`${what} is impossible. This is a bug in iocp-pal; please report it`);
}
