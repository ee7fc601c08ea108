/**
 * Messages, and the chunks that they travel in.
 *
 * A message is cut into chunks, so that a large video frame does not hold up the sound behind it: chunks of different streams
 * may alternate. A head names its chunk stream, and leaves out what is as it was in the stream's chunk before:
 *
 *   0  timestamp, length, type, message stream     2  timestamp
 *   1  timestamp, length, type                     3  nothing: what goes on, or the same once more
 *
 * Source: Adobe's Real Time Messaging Protocol 1.0, 5.3
 */
import { ProtocolError } from './protocol-error.ts';

/** Messages about the connection itself, on a chunk stream of their own. */
export const Control = { ChunkSize: 1, Abort: 2, Acknowledgement: 3, User: 4, WindowSize: 5, Bandwidth: 6 } as const;
/** Messages about streams. */
export const MessageType = { Audio: 8, Video: 9, DataAmf3: 15, CommandAmf3: 17, Data: 18, Command: 20 } as const;

/** A message that has come. Of which message stream it is nobody asks: a connection carries one. */
export interface Message {
  readonly type: number;
  /** Milliseconds. */
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** Where the memory of encoded messages comes from. */
export type Allocate = (bytes: number) => Buffer;

const fromTheHeap: Allocate = (bytes) => Buffer.allocUnsafe(bytes);

/** Bytes of a chunk, until the sender says otherwise. */
const FIRST_CHUNK_BYTES = 128;
/** Bytes of the chunks that we send: most frames are one chunk. */
export const OUR_CHUNK_BYTES = 65_536;
/** Bytes that are taken at once: memory is for what has come, and not for what a head has promised. */
const PIECE_BYTES = 65_536;
/** Chunk streams of one peer; encoders use about five. */
const MAX_CHUNK_STREAMS = 64;
/** In place of a timestamp: it needs four bytes, which follow. */
const EXTENDED = 0xffffff;
/** What a head of each sort has behind the chunk stream's number. */
const HEAD_BYTES = [11, 7, 3, 0] as const;

/** What is known of a chunk stream. */
class ChunkStream {
  timestamp = 0;
  /** The time of the last head: what a message adds to the timestamp of the one before it, unless its head is a whole one. */
  time = 0;
  length = 0;
  type = 0;
  parts: Buffer[] = [];
  /** Bytes of a message that has begun and not ended. */
  missing = 0;
}

export class ChunkReader {
  /** Bytes that have been taken. */
  taken = 0;
  readonly #more: () => Promise<Buffer>;
  readonly #messageBytes: number;
  readonly #streams = new Map<number, ChunkStream>();
  /** What has come, and was not taken: bytes are read as they come, since a chunk's head alone would cost a call of the system. */
  #held: Buffer = Buffer.alloc(0);
  #chunkBytes = FIRST_CHUNK_BYTES;
  /** Bytes of messages that have begun and not ended, with those that are missing. */
  #begunBytes = 0;

  /**
   * @param more the bytes that come next, at least one
   * @param messageBytes most bytes of one message, and of all that have begun
   */
  constructor(more: () => Promise<Buffer>, messageBytes: number) {
    this.#more = more;
    this.#messageBytes = messageBytes;
  }

  /** So many bytes, a copy. */
  async take(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length;) {
      if (this.#held.length === 0) this.#held = await this.#more();
      const copied = this.#held.copy(bytes, filled);
      this.#held = this.#held.subarray(copied);
      filled += copied;
    }
    this.taken += length;
    return bytes;
  }

  /** The next message. Those about chunks are obeyed, and not returned. @throws ProtocolError */
  async next(): Promise<Message> {
    for (;;) {
      const stream = await this.#head();
      const length = Math.min(stream.missing, this.#chunkBytes);
      for (let at = 0; at < length; at += PIECE_BYTES)
        stream.parts.push(await this.take(Math.min(length - at, PIECE_BYTES)));
      stream.missing -= length;
      if (stream.missing > 0) continue;
      const { type, timestamp, parts } = stream;
      const payload = Buffer.concat(parts);
      this.#end(stream);
      if (type !== Control.ChunkSize && type !== Control.Abort) return { type, timestamp, payload };
      if (payload.length < 4) throw new ProtocolError(`A message of type ${type} has ${payload.length} bytes, not 4`);
      const value = payload.readUInt32BE();
      if (type === Control.Abort) this.#end(this.#streams.get(value));
      else if (value >= 1 && value < 2 ** 31) this.#chunkBytes = value;
      else throw new ProtocolError(`No chunk has ${value} bytes`);
    }
  }

  /** Takes the head of a chunk. Returns its stream, of whose message something is missing then. */
  async #head(): Promise<ChunkStream> {
    const first = (await this.take(1)).readUInt8();
    const sort = first >> 6;
    let id = first & 63;
    if (id < 2) id = 64 + (await this.take(id + 1)).readUIntLE(0, id + 1); // 0 and 1 say that one or two bytes follow
    const stream = this.#streams.get(id) ?? new ChunkStream();
    const isNew = stream.missing === 0;
    if (sort > 0 && !this.#streams.has(id)) throw new ProtocolError(`Stream ${id} does not begin with a whole head`);
    if (sort < 3 && !isNew) throw new ProtocolError('A message begins in the middle of another');
    this.#streams.set(id, stream);
    if (this.#streams.size > MAX_CHUNK_STREAMS) throw new ProtocolError(`More than ${MAX_CHUNK_STREAMS} chunk streams`);
    const head = await this.take(HEAD_BYTES[sort] ?? 0);
    if (sort < 3) stream.time = head.readUIntBE(0, 3);
    const time = stream.time === EXTENDED ? (await this.take(4)).readUInt32BE() : stream.time;
    if (!isNew) return stream;
    if (sort < 2) stream.length = head.readUIntBE(3, 3);
    if (sort < 2) stream.type = head.readUInt8(6);
    stream.timestamp = sort === 0 ? time : (stream.timestamp + time) % 2 ** 32;
    stream.missing = stream.length;
    this.#begunBytes += stream.length;
    if (this.#begunBytes <= this.#messageBytes) return stream;
    throw new ProtocolError(`A message of ${stream.length} bytes is refused: the limit is ${this.#messageBytes}`);
  }

  /** The message that is under way, if there is one, has come to its end or is taken back. */
  #end(stream: ChunkStream | undefined): void {
    if (stream === undefined || stream.parts.length === 0) return;
    this.#begunBytes -= stream.length;
    stream.missing = 0;
    stream.parts = [];
  }
}

/**
 * A message in chunks of OUR_CHUNK_BYTES, with whole heads: it does not depend on what was sent before, so the same bytes go to
 * every player.
 * @param streamId of the message stream: 0 for what is about the connection
 */
export function encodeMessage(message: Message, streamId: number, allocate = fromTheHeap): Buffer {
  const { type, timestamp, payload } = message;
  const chunkStream = type <= Control.Bandwidth ? 2 : type === MessageType.Command ? 3 : type;
  const isExtended = timestamp >= EXTENDED;
  const chunks = Math.max(1, Math.ceil(payload.length / OUR_CHUNK_BYTES));
  const bytes = allocate(HEAD_BYTES[0] + payload.length + chunks * (isExtended ? 5 : 1));
  let at = bytes.writeUInt8(chunkStream);
  at = bytes.writeUIntBE(Math.min(timestamp, EXTENDED), at, 3);
  at = bytes.writeUIntBE(payload.length, at, 3);
  at = bytes.writeUInt8(type, at);
  at = bytes.writeUInt32LE(streamId, at);
  for (let chunk = 0; chunk < chunks; chunk++) {
    if (chunk > 0) at = bytes.writeUInt8((3 << 6) | chunkStream, at);
    if (isExtended) at = bytes.writeUInt32BE(timestamp, at);
    at += payload.copy(bytes, at, chunk * OUR_CHUNK_BYTES, (chunk + 1) * OUR_CHUNK_BYTES);
  }
  return bytes;
}
