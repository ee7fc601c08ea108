/** What the first bytes of a connection ask the serving side of a soak for. */
import { Buffer } from 'node:buffer';

/** What a connection may ask for. */
export const Wish = {
  /** Everything back, through asyncRead and asyncWrite, and then the end. */
  Echo: 1,
  /** The same through watch, tryRead and tryWrite. */
  WatchEcho: 2,
  /** `length` bytes of the stream, and then the end. */
  Source: 3,
  /** Takes everything to the end, and answers with one byte. */
  Sink: 4,
  /** A RST after `length` bytes. */
  Reset: 5,
  /** Nothing: reads, and never answers. */
  Silence: 6,
  /** Takes everything to the end, and answers with its SHA-256: for bytes that are no stream's. */
  Digest: 7,
} as const;
export type Wish = (typeof Wish)[keyof typeof Wish];

/** Bytes of a wish: what, which stream, and how many bytes of it. */
export const WISH_BYTES = 12;
/** A wish as it goes over the wire. */
export function wishBytes(wish: Wish, stream: number, length: number): Buffer {
  const bytes = Buffer.alloc(WISH_BYTES);
  bytes.writeUInt32LE(wish, 0);
  bytes.writeUInt32LE(stream, 4);
  bytes.writeUInt32LE(length, 8);
  return bytes;
}
