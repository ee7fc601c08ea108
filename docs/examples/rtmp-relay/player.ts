/**
 * One who watches: the queue of what he has not taken.
 *
 * Nobody waits for him, and his queue has an end. A frame depends on those before it, back to a key frame: so what is dropped is
 * a group of pictures from its key frame to the next one, of which nothing was sent. Only of a group that is larger than the
 * whole queue the end is dropped, when its beginning is out.
 */
import type { Connection } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import type { Frame } from './frames.ts';
import type { Limits } from './limits.ts';

/** Bytes that go out with one write, except for a single frame that is larger. What is written cannot be dropped any more. */
export const BATCH_BYTES = 256 * 1024;

export class Player {
  droppedFrames = 0;
  /** Why nothing can be sent to him any more. */
  failure: unknown = null;
  readonly #connection: Connection;
  readonly #queueBytes: number;
  readonly #options: { readonly timeout: number };
  readonly #onBehind: () => void;
  #queue: Frame[] = [];
  #queuedBytes = 0;
  #sending: Promise<void> | null = null;
  /** Waits for a key frame. */
  #isSkipping = true;
  #isBehind = false;

  /** @param onBehind told when frames are dropped, once until the player has caught up */
  constructor(connection: Connection, { queueBytes, stallMs }: Limits, onBehind: () => void) {
    this.#connection = connection;
    this.#queueBytes = queueBytes;
    this.#options = { timeout: stallMs };
    this.#onBehind = onBehind;
  }

  /** The next frame that he gets must be a key frame. */
  startOver(): void {
    this.#isSkipping = true;
  }

  push(frame: Frame): void {
    if (frame.isKey) this.#isSkipping = false;
    if (this.#isSkipping && !frame.isKept) {
      if (this.#isBehind) this.droppedFrames++;
      if (this.#isBehind || frame.kind === 'video') return; // who has just come may hear what he cannot see yet
    }
    this.#queue.push(frame);
    this.#queuedBytes += frame.bytes.length;
    if (this.#queuedBytes > this.#queueBytes) this.#makeRoom();
    this.#sending ??= this.#send();
  }

  /** When everything that was pushed has been sent, or the connection is broken. */
  async flushed(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  /** When there are thousands of players, each has his turn. What has come until then goes out with one write, so a relay that is behind catches up. */
  async #send(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await this.#connection.ready(this.#options);
        await this.#connection.write(this.#takeBatch(), this.#options);
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
    return this.#queue.splice(0, count).map((frame) => frame.bytes);
  }

  #makeRoom(): void {
    const before = this.droppedFrames;
    while (this.#queuedBytes > this.#queueBytes) {
      // Nothing of the queue was sent, so a group that begins in it is whole; the oldest goes first.
      const keys = [...this.#queue.keys()].filter((at) => this.#queue[at]?.isKey === true);
      const [begin = this.#queue.length - 1, end = this.#queue.length] = keys;
      if (keys.length < 2) this.#isSkipping = true; // what is dropped has not ended: what follows goes, too
      this.#drop(begin, end);
      if (keys.length === 0) break;
    }
    if (this.droppedFrames === before || this.#isBehind) return;
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
}
