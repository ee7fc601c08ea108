/** One stream: from a publisher to his players, and what those who join late need to begin at once. */
import type { Message } from './chunks.ts';
import { FrameMemory, type Allocate } from './frame-memory.ts';
import { endOf, frameOf, type Frame } from './frames.ts';
import { MEDIA_STREAM, status, UserControl, userControl } from './messages.ts';
import type { Player } from './player.ts';

export class LiveStream {
  readonly name: string;
  readonly players = new Set<Player>();
  isPublished = false;
  readonly #cacheBytes: number;
  readonly #memory: FrameMemory;
  /** Metadata and the settings of both codecs, the last of each. */
  readonly #kept = new Map<Frame['kind'], Frame>();
  /** From the last key frame on. */
  #cache: Frame[] = [];
  #cachedBytes = 0;
  #hasVideo = false;
  #hasKey = false;

  constructor(name: string, cacheBytes: number, allocate: Allocate) {
    this.name = name;
    this.#cacheBytes = cacheBytes;
    this.#memory = new FrameMemory(allocate);
  }

  begin(): void {
    this.isPublished = true;
    this.#kept.clear();
    this.#forget();
    this.#hasVideo = this.#hasKey = false;
    for (const player of this.players) player.startOver();
  }

  end(): void {
    this.isPublished = false;
    this.#forget();
    this.#kept.clear();
    const eof = userControl(UserControl.StreamEnd, MEDIA_STREAM);
    const notice = status('NetStream.Play.UnpublishNotify', `${this.name} is not published any more`);
    const frame = endOf(Buffer.concat([eof, notice]));
    for (const player of this.players) player.push(frame);
  }

  add(player: Player): void {
    this.players.add(player);
    for (const frame of this.#kept.values()) player.push(frame);
    for (const frame of this.#cache) player.push(frame);
  }

  send(message: Message): void {
    let frame = frameOf(message, (bytes) => this.#memory.take(bytes));
    if (frame === null) return;
    if (frame.kind === 'video') {
      this.#hasVideo = true;
      this.#hasKey ||= frame.isKey;
      if (!this.#hasKey && !frame.isKept) return; // it needs one that nobody has
    }
    // Where there are no pictures, a player may begin with any sound.
    if (frame.kind === 'audio' && !this.#hasVideo && !frame.isKept) frame = { ...frame, isKey: true };
    if (frame.isKept) this.#kept.set(frame.kind, frame);
    else this.#keep(frame);
    for (const player of this.players) player.push(frame);
  }

  #keep(frame: Frame): void {
    if (frame.isKey) this.#forget();
    if (this.#cache.length === 0 && !frame.isKey) return; // its group was too large, or nobody has its beginning
    this.#cache.push(frame);
    this.#cachedBytes += frame.bytes.length;
    if (this.#cachedBytes > this.#cacheBytes) this.#forget();
  }

  #forget(): void {
    this.#cache = [];
    this.#cachedBytes = 0;
  }
}
