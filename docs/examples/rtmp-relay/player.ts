/**
 * One who watches: the queue of what he has not taken.
 *
 * Nobody waits for him, and his queue has an end. A frame depends on those before it, back to a key frame: so what is dropped is
 * a group of pictures from its key frame to the next one, of which nothing was sent. Only of a group that is larger than the
 * whole queue the end is dropped, when its beginning is out.
 */
import type { Connection } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { joined } from './frame-memory.ts';
import type { Frame } from './frames.ts';
import type { Limits } from './limits.ts';

/** Bytes that are sent with one call when several frames wait. */
const BATCH_BYTES = 256 * 1024;

export class Player {
  droppedFrames = 0;
  /** Why nothing can be sent to him any more. */
  failure: unknown = null;
  readonly #connection: Connection;
  readonly #limits: Limits;
  readonly #onBehind: () => void;
  #queue: Frame[] = [];
  #queuedBytes = 0;
  #sending: Promise<void> | null = null;
  /** Waits for a key frame. */
  #isSkipping = true;
  #isBehind = false;

  /** @param onBehind told when frames are dropped, once until the player has caught up */
  constructor(connection: Connection, limits: Limits, onBehind: () => void) {
    this.#connection = connection;
    this.#limits = limits;
    this.#onBehind = onBehind;
  }

  /** The next frame that he gets must be a key frame. */
  startOver(): void {
    this.#isSkipping = true;
  }

  /** Into the queue; send() sends it. */
  push(frame: Frame): void {
    if (frame.isKey) this.#isSkipping = false;
    if (this.#isSkipping && !frame.isKept) {
      if (this.#isBehind) this.droppedFrames++;
      if (this.#isBehind || frame.kind === 'video') return; // who has just come may hear what he cannot see yet
    }
    this.#queue.push(frame);
    this.#queuedBytes += frame.bytes.length;
    if (this.#queuedBytes > this.#limits.queueBytes) this.#makeRoom();
  }

  /** Sends what was pushed. Behind what is under way it comes by itself. */
  send(): void {
    if (this.#queue.length > 0) this.#sending ??= this.#send();
  }

  /** When everything that was pushed is on its way, or the connection is broken. */
  async flushed(): Promise<void> {
    this.send();
    while (this.#sending !== null) await this.#sending;
  }

  #makeRoom(): void {
    const dropped = this.droppedFrames;
    while (this.#queuedBytes > this.#limits.queueBytes) {
      // All of the queue is unsent, so a group that begins in it is whole; the oldest goes first.
      const begin = this.#queue.findIndex(({ isKey }) => isKey);
      const next = this.#queue.findIndex(({ isKey }, index) => isKey && index > begin);
      if (begin === -1 || next === -1) this.#isSkipping = true; // what is dropped has not ended: what follows goes, too
      if (begin === -1) this.#drop(this.#queue.length - 1, this.#queue.length);
      else this.#drop(begin, next === -1 ? this.#queue.length : next);
      if (begin === -1) break;
    }
    if (this.droppedFrames === dropped || this.#isBehind) return;
    this.#isBehind = true;
    this.#onBehind();
  }

  /** Those from `begin` to before `end`, except what is kept. */
  #drop(begin: number, end: number): void {
    const group = this.#queue.slice(begin, end);
    const kept = group.filter(({ isKept }) => isKept);
    this.#queue.splice(begin, group.length, ...kept);
    this.droppedFrames += group.length - kept.length;
    for (const { isKept, bytes } of group) if (!isKept) this.#queuedBytes -= bytes.length;
  }

  async #send(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const batch = this.#takeBatch();
        await this.#connection.write(batch, { timeout: this.#limits.stallMs });
        if (this.#queue.length === 0 && !this.#isSkipping) this.#isBehind = false;
      }
    } catch (error) {
      this.failure ??= error;
      this.#queue = [];
      void this.#connection.reset(); // which ends the session, too
    } finally {
      this.#sending = null;
    }
  }

  #takeBatch(): Buffer[] {
    let [count, bytes] = [0, 0];
    for (const frame of this.#queue) {
      if (count > 0 && bytes + frame.bytes.length > BATCH_BYTES) break;
      count++;
      bytes += frame.bytes.length;
    }
    this.#queuedBytes -= bytes;
    return joined(this.#queue.splice(0, count).map((frame) => frame.bytes));
  }
}
