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
  /** Done when everything that waits has been sent, or the connection is broken. Null when nothing waits. */
  sending: Promise<void> | null = null;
  readonly #connection: Connection;
  readonly #limits: Limits;
  readonly #onBehind: () => void;
  #queue: Frame[] = [];
  #queuedBytes = 0;
  /** Waits for a key frame. */
  #isSkipping = true;
  #isBehind = false;

  /** @param onBehind told when frames are dropped, once until the player has caught up */
  constructor(connection: Connection, limits: Limits, onBehind: () => void) {
    this.#connection = connection;
    this.#limits = limits;
    this.#onBehind = onBehind;
  }

  push(frame: Frame): void {
    if (frame.isKey) this.#isSkipping = false;
    if (this.#isSkipping && !frame.isKept) {
      if (this.#isBehind) this.droppedFrames++;
      if (this.#isBehind || frame.kind === 'video') return; // who has just come may hear what he cannot see yet
    }
    this.#queue.push(frame);
    this.#queuedBytes += frame.bytes.length;
    if (frame.kind === 'end') this.#isSkipping = true; // what comes next is another stream
    if (this.#queuedBytes > this.#limits.queueBytes) this.#makeRoom();
    this.sending ??= this.#send();
  }

  /** When there are thousands of players, each has his turn. What has come until then goes out with one write, so a relay that is behind catches up. */
  async #send(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await this.#connection.ready({ timeout: this.#limits.stallMs });
        await this.#connection.write(this.#takeBatch(), { timeout: this.#limits.stallMs });
        if (this.#queue.length === 0 && !this.#isSkipping) this.#isBehind = false;
      }
    } catch (error) {
      this.failure ??= error;
      void this.#connection.reset(); // which ends the session, too
    } finally {
      this.sending = null;
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
    while (this.#queuedBytes > this.#limits.queueBytes) {
      // Nothing of the queue was sent, so a group that begins in it is whole; the oldest goes first.
      const keys = [...this.#queue.keys()].filter((at) => this.#queue[at]?.isKey === true);
      const [begin = this.#queue.length - 1, end = this.#queue.length] = keys;
      if (keys.length < 2) this.#isSkipping = true; // what is dropped has not ended: what follows goes, too
      const group = this.#queue.slice(begin, end);
      this.#queue.splice(begin, group.length, ...group.filter(({ isKept }) => isKept));
      const dropped = group.filter(({ isKept }) => !isKept);
      this.droppedFrames += dropped.length;
      for (const { bytes } of dropped) this.#queuedBytes -= bytes.length;
      if (dropped.length > 0 && !this.#isBehind) this.#onBehind();
      this.#isBehind ||= dropped.length > 0;
      if (keys.length === 0) break;
    }
  }
}
