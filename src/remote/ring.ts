/**
 * A bounded queue in shared memory, from any number of threads to one, without locks.
 *
 *   positions   … HEAD ─────────────── TAIL …            counted in cells of 64 bytes, modulo the ring's size
 *                  │ record │ record │ record │ free
 *                  taken by the consumer        claimed by producers
 *
 * A producer claims as many cells in a row as its record needs by one compare-and-swap on TAIL, writes header and payload
 * into them, and then sets the commit word of the first. The consumer takes the record at HEAD once its commit word is set,
 * clears the word and moves HEAD on: what frees the cells is HEAD. So
 * - records leave in the order of their claims, and the records of one producer in the order of its calls;
 * - a record is written and read by one thread at a time: claimed cells are the producer's until the commit, and the
 *   consumer's from then until HEAD has passed them. Commit words and HEAD are what each publishes with Atomics; the
 *   payload between them needs none;
 * - a ring that has no room says so at once. Nothing is overwritten, and nobody waits.
 *
 * This is Vyukov's bounded queue with two changes. A record may take several cells, since payloads differ in length. And a
 * flag takes the place of a sequence number per cell: with one consumer HEAD and TAIL alone say which cells are free.
 *
 * Waking. SIGNAL says whether the consumer sleeps. Whoever commits a record and finds ASLEEP makes it AWAKE and wakes the
 * consumer, once; while it is awake, committing costs no system call. The consumer goes to sleep by storing ASLEEP and then
 * looking again: a record that was committed in between is seen by one of the two, since both sides write first and read
 * second. A wake that fails leaves it ASLEEP, and the next submission tries again, also one that finds no room.
 *
 * Closing. CLOSED is a bit of TAIL, so that a claim came either before it (and will be taken) or fails. INSIDE counts the
 * producers in submit(), so that the owner knows when the last claimed record is complete and nobody will wake it any more;
 * only then may the port that they wake it through be closed.
 *
 * What no such queue survives: a producer that is terminated between claim and commit. Its record stays incomplete, and
 * what is behind it waits. The owner's stop gives up waiting after a while, and takes what is complete behind it (RemoteInbox).
 */
import { Buffer } from 'node:buffer';
import { RemoteCommand } from './commands.ts';
import {
  ABANDONED,
  ASLEEP,
  AWAKE,
  CELL_BYTES,
  cellsFor,
  CLOSED,
  HEAD,
  HEADER_BYTES,
  INSIDE,
  largestPayload,
  LOAD,
  POSITION_MASK,
  SIGNAL,
  TAIL,
  viewRing,
  type RingViews,
} from './ring-layout.ts';
import { TWO_32 } from '../util/bytes.ts';

const CELL_WORDS = CELL_BYTES / Int32Array.BYTES_PER_ELEMENT;
/** What submit() says; the text of an error is the caller's. */
export const Submitted = {
  /** The record is in the queue. */
  Done: 0,
  /** There is no room for it now. */
  Full: 1,
  /** The queue is closed. */
  Closed: 2,
  /** It can never fit. */
  TooLarge: 3,
} as const;
export type Submitted = (typeof Submitted)[keyof typeof Submitted];

/** Wakes the consumer. Runs on the producer's thread. */
export type Wake = () => void;

/** The sending end; each thread makes its own. */
export class RingProducer {
  readonly #views: RingViews;
  readonly #wake: Wake;

  constructor(buffer: SharedArrayBuffer, wake: Wake) {
    this.#views = viewRing(buffer);
    this.#wake = wake;
  }

  /** Bytes of payload that one record can have. */
  get largestPayload(): number {
    return largestPayload(this.#views.cells);
  }

  get isClosed(): boolean {
    return (Atomics.load(this.#views.words, TAIL) & CLOSED) !== 0;
  }

  /** Connections that the consumer's loop has been handed and still has. */
  get load(): number {
    return Atomics.load(this.#views.words, LOAD);
  }

  addLoad(difference: number): void {
    Atomics.add(this.#views.words, LOAD, difference);
  }

  /** Queues a record; `payload` is copied. Throws what `wake` throws, and the record is queued nevertheless. */
  submit(kind: number, subject: number, payload: Uint8Array): Submitted {
    const { words, commits, cells } = this.#views;
    const length = payload.byteLength; // once: it may be another one the next time
    if (length > largestPayload(cells)) return Submitted.TooLarge;
    Atomics.add(words, INSIDE, 1);
    try {
      const position = this.#claim(cellsFor(length));
      if (position === FULL) this.#wakeForFull();
      if (position < 0) return position === FULL ? Submitted.Full : Submitted.Closed;
      const cell = position & (cells - 1);
      try {
        this.#write(cell, kind, subject, payload, length);
      } catch (error) {
        // Claimed cells cannot be given back, and everything behind them would wait for ever: the record asks for nothing.
        this.#views.payloadWords[cell * CELL_WORDS] = RemoteCommand.Nothing;
        Atomics.store(commits, cell, 1);
        throw error;
      }
      Atomics.store(commits, cell, 1);
      // The consumer drains what is committed: this record is its or ours, whoever clears the word first.
      if (Atomics.load(words, ABANDONED) !== 0) {
        return Atomics.compareExchange(commits, cell, 1, 0) === 1 ? Submitted.Closed : Submitted.Done;
      }
      if (Atomics.exchange(words, SIGNAL, AWAKE) === ASLEEP) this.#callWake();
      return Submitted.Done;
    } finally {
      Atomics.sub(words, INSIDE, 1);
    }
  }

  /** Wakes the consumer if it sleeps: for a caller whose submit() could not. Throws what `wake` throws. */
  wakeIfAsleep(): void {
    const { words } = this.#views;
    Atomics.add(words, INSIDE, 1);
    try {
      if (this.isClosed) return; // what is in the queue is carried out by its close
      if (Atomics.exchange(words, SIGNAL, AWAKE) === ASLEEP) this.#callWake();
    } finally {
      Atomics.sub(words, INSIDE, 1);
    }
  }

  /** The position of `count` cells that are the caller's now, FULL or IS_CLOSED. */
  #claim(count: number): number {
    const { words, cells } = this.#views;
    for (;;) {
      // TAIL before HEAD: the room found is there for as long as TAIL does not change, since HEAD only makes more.
      const tail = Atomics.load(words, TAIL);
      if ((tail & CLOSED) !== 0) return IS_CLOSED;
      const position = tail >>> 1;
      const used = (position - Atomics.load(words, HEAD)) & POSITION_MASK;
      if (used > cells) continue; // HEAD has passed the TAIL that was read: read both again
      if (used + count > cells) return FULL;
      const next = ((position + count) & POSITION_MASK) << 1;
      if (Atomics.compareExchange(words, TAIL, tail, next) === tail) return position;
    }
  }

  #write(cell: number, kind: number, subject: number, payload: Uint8Array, length: number): void {
    const { payloadWords, payload: bytes } = this.#views;
    const word = cell * CELL_WORDS;
    payloadWords[word] = kind;
    payloadWords[word + 1] = subject | 0;
    payloadWords[word + 2] = Math.floor(subject / TWO_32);
    payloadWords[word + 3] = length;
    const at = cell * CELL_BYTES + HEADER_BYTES;
    const first = Math.min(length, bytes.length - at);
    if (first === payload.byteLength) bytes.set(payload, at);
    else {
      bytes.set(payload.subarray(0, first), at);
      if (first < length) bytes.set(payload.subarray(first, length), 0);
    }
  }

  /**
   * A consumer that sleeps before a full queue was to be woken, and could not be: no record that fits will ever come to try
   * again. Who finds the queue full comes again, so a failure is nobody's error.
   */
  #wakeForFull(): void {
    try {
      this.wakeIfAsleep();
    } catch {
      // Asleep still, as #callWake() has noted.
    }
  }

  #callWake(): void {
    let woken = false;
    try {
      this.#wake();
      woken = true;
    } finally {
      // The next record tries again.
      if (!woken) Atomics.store(this.#views.words, SIGNAL, ASLEEP);
    }
  }
}

const FULL = -1;
const IS_CLOSED = -2;

/** A record that was taken. One is enough: it is filled anew by every take(). */
export class RingRecord {
  kind = 0;
  subject = 0;
  payload: Buffer = NO_PAYLOAD;
}

/** The receiving end: one thread's. */
export class RingConsumer {
  readonly record = new RingRecord();
  readonly #views: RingViews;
  #head: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#views = viewRing(buffer);
    this.#head = Atomics.load(this.#views.words, HEAD);
  }

  /** Takes the oldest record into `record`, its payload as a copy. Returns false when there is none that is complete. */
  take(): boolean {
    const { words, commits, cells, payloadWords } = this.#views;
    const cell = this.#head & (cells - 1);
    if (Atomics.compareExchange(commits, cell, 1, 0) === 0) return false;
    const word = cell * CELL_WORDS;
    const length = payloadWords[word + 3] ?? 0;
    const { record } = this;
    record.kind = payloadWords[word] ?? 0;
    record.subject = (payloadWords[word + 2] ?? 0) * TWO_32 + ((payloadWords[word + 1] ?? 0) >>> 0);
    record.payload = length === 0 ? NO_PAYLOAD : this.#copy(cell * CELL_BYTES + HEADER_BYTES, length);
    this.#head = (this.#head + cellsFor(length)) & POSITION_MASK;
    Atomics.store(words, HEAD, this.#head);
    return true;
  }

  /** Goes to sleep: the next record that is completed wakes the consumer. Returns false when there is one already. */
  sleep(): boolean {
    const { words, commits, cells } = this.#views;
    Atomics.store(words, SIGNAL, ASLEEP);
    if (Atomics.load(commits, this.#head & (cells - 1)) === 0) return true;
    // Awake again. A producer may have seen ASLEEP and be waking: that wake finds nothing to do.
    Atomics.store(words, SIGNAL, AWAKE);
    return false;
  }

  /** From now on nothing can be claimed. */
  close(): void {
    Atomics.or(this.#views.words, TAIL, CLOSED);
  }

  /** Closed, every record taken, and no producer left that could still touch the ring or wake the consumer. */
  get isFinished(): boolean {
    const { words } = this.#views;
    const tail = Atomics.load(words, TAIL);
    return (tail & CLOSED) !== 0 && Atomics.load(words, INSIDE) === 0 && tail >>> 1 === this.#head;
  }

  /** Stops waiting for producers that are inside; should one of them come back, it finds the queue closed. */
  abandon(): void {
    Atomics.store(this.#views.words, ABANDONED, 1);
  }

  /** After abandon(): takes the next record that is complete, past those that never will be. */
  drainCommitted(): boolean {
    const end = Atomics.load(this.#views.words, TAIL) >>> 1;
    while (this.#head !== end) {
      if (this.take()) return true;
      // Cell by cell, since the length of a record that is not complete means nothing; only a record's first cell has its word set.
      this.#head = (this.#head + 1) & POSITION_MASK;
    }
    return false;
  }

  addLoad(difference: number): void {
    Atomics.add(this.#views.words, LOAD, difference);
  }

  #copy(at: number, length: number): Buffer {
    const { payload: bytes } = this.#views;
    const copy = Buffer.allocUnsafe(length);
    const first = Math.min(length, bytes.length - at);
    copy.set(bytes.subarray(at, at + first), 0);
    if (first < length) copy.set(bytes.subarray(0, length - first), first);
    return copy;
  }
}

const NO_PAYLOAD = Buffer.alloc(0);
