/** One stream: from a publisher to his players, and what those who join late need to begin at once. */
import type { Allocate, Message } from './chunks.ts';
import { frameMemory } from './frame-memory.ts';
import { frameOf, type Frame } from './frames.ts';
import { MEDIA_STREAM, status, UserControl, userControl } from './messages.ts';
import type { Player } from './player.ts';

/**
 * Bytes that are kept for who joins late: the group of pictures that is under way. Of a larger one
 * nothing is kept, and he waits for the next.
 */
const CACHE_BYTES = 16 * 1024 * 1024;

export class LiveStream {
  readonly name: string;
  readonly players = new Set<Player>();
  isPublished = false;
  readonly #allocate: Allocate;
  /** Metadata and the settings of both codecs, the last of each. */
  readonly #kept = new Map<Frame['kind'], Frame>();
  /** From the last key frame on. */
  #cache: Frame[] = [];
  #cachedBytes = 0;
  #hasKey = false;

  constructor(name: string, allocate: Allocate) {
    this.name = name;
    this.#allocate = frameMemory(allocate);
  }

  /** There is nothing more of it, until somebody publishes it again. */
  end(): void {
    if (!this.isPublished) return;
    this.isPublished = false;
    this.#cache = [];
    this.#kept.clear();
    this.#hasKey = false;
    const notice = status('NetStream.Play.UnpublishNotify', `${this.name} is not published any more`);
    const bytes = Buffer.concat([userControl(UserControl.StreamEnd, MEDIA_STREAM), notice]);
    for (const player of this.players) player.push({ kind: 'end', bytes, isKey: false, isKept: true });
  }

  add(player: Player): void {
    this.players.add(player);
    for (const frame of [...this.#kept.values(), ...this.#cache]) player.push(frame);
  }

  send(message: Message): void {
    let frame = this.isPublished ? frameOf(message, this.#allocate) : null;
    if (frame === null) return;
    if (frame.kind === 'video') this.#hasKey ||= frame.isKey;
    if (!this.#hasKey && !frame.isKept) {
      if (frame.kind === 'video') return; // it needs one that nobody has
      frame = { ...frame, isKey: true }; // where there are no pictures, a player may begin anywhere
    }
    if (frame.isKept) this.#kept.set(frame.kind, frame);
    else this.#keep(frame);
    for (const player of this.players) player.push(frame);
  }

  /** A group that is too large is not kept, nor what has no beginning. */
  #keep(frame: Frame): void {
    if (frame.isKey) [this.#cache, this.#cachedBytes] = [[], 0];
    if (frame.isKey || this.#cache.length > 0) this.#cache.push(frame);
    this.#cachedBytes += frame.bytes.length;
    if (this.#cachedBytes > CACHE_BYTES) this.#cache = [];
  }
}
