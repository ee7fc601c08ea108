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
import type { ByteReader } from './byte-reader.ts';
import type { Allocate } from './frame-memory.ts';
import { MessageType } from './messages.ts';
import { ProtocolError } from './protocol-error.ts';

export interface Message {
  readonly type: number;
  readonly streamId: number;
  /** Milliseconds. */
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** Bytes of a chunk, until the sender says otherwise. */
const FIRST_CHUNK_BYTES = 128;
/** Bytes of the chunks that we send: most frames are one chunk. */
export const OUR_CHUNK_BYTES = 65_536;
/** Bytes that are taken at once: memory is for what has come, and not for what a head has promised. */
const PIECE_BYTES = 65_536;
/** Chunk streams of one peer; encoders use about five. */
const MAX_CHUNK_STREAMS = 64;
const EXTENDED = 0xffffff;
/** What a head of each sort has behind the chunk stream's number. */
const HEAD_BYTES = [11, 7, 3, 0] as const;

/** What is known of a chunk stream. */
class ChunkStream {
  timestamp = 0;
  /** What a message adds to the timestamp of the one before it. */
  delta = 0;
  isExtended = false;
  length = 0;
  type = 0;
  streamId = 0;
  parts: Buffer[] = [];
  missing = 0;
}

export class ChunkReader {
  readonly #reader: ByteReader;
  readonly #messageBytes: number;
  readonly #streams = new Map<number, ChunkStream>();
  #chunkBytes = FIRST_CHUNK_BYTES;
  /** Bytes of messages that have begun and not ended. */
  #unfinished = 0;

  /** @param messageBytes most bytes of one message, and of all that have begun */
  constructor(reader: ByteReader, messageBytes: number) {
    this.#reader = reader;
    this.#messageBytes = messageBytes;
  }

  /** The next message. Those about chunks are obeyed, and not returned. @throws ProtocolError */
  async next(): Promise<Message> {
    for (;;) {
      const message = await this.#chunk();
      if (message === null) continue;
      const { type, payload } = message;
      if (type !== MessageType.SetChunkSize && type !== MessageType.Abort) return message;
      if (payload.length < 4) throw new ProtocolError(`A message of type ${type} has ${payload.length} bytes, not 4`);
      const value = payload.readUInt32BE();
      if (type === MessageType.Abort) this.#abort(value);
      else if (value >= 1 && value < 2 ** 31) this.#chunkBytes = value;
      else throw new ProtocolError(`No chunk has ${value} bytes`);
    }
  }

  /** Takes one chunk. Returns the message that it ends, if it ends one. */
  async #chunk(): Promise<Message | null> {
    const first = (await this.#reader.take(1)).readUInt8();
    const id = await this.#streamNumber(first & 63);
    const stream = await this.#head(first >> 6, id);
    const length = Math.min(this.#chunkBytes, stream.missing);
    for (let left = length; left > 0;) {
      const piece = await this.#reader.take(Math.min(left, PIECE_BYTES));
      stream.parts.push(Buffer.from(piece));
      left -= piece.length;
      this.#unfinished += piece.length;
      this.#refuse(this.#unfinished);
    }
    stream.missing -= length;
    if (stream.missing > 0) return null;
    const payload = stream.parts.length === 1 ? (stream.parts[0] ?? Buffer.alloc(0)) : Buffer.concat(stream.parts);
    stream.parts = [];
    this.#unfinished -= payload.length;
    return { type: stream.type, streamId: stream.streamId, timestamp: stream.timestamp, payload };
  }

  /** 2 … 63 are in the first byte; 0 and 1 say that one or two bytes follow. */
  async #streamNumber(inFirst: number): Promise<number> {
    if (inFirst > 1) return inFirst;
    const more = await this.#reader.take(inFirst + 1);
    return 64 + more.readUIntLE(0, inFirst + 1);
  }

  async #head(sort: number, id: number): Promise<ChunkStream> {
    const stream = this.#stream(sort, id);
    const isNew = stream.parts.length === 0 && stream.missing === 0;
    if (!isNew && sort !== 3) throw new ProtocolError('A message begins in the middle of another');
    const head = await this.#reader.take(HEAD_BYTES[sort] ?? 0);
    let field = sort < 3 ? head.readUIntBE(0, 3) : stream.delta;
    if (sort < 3) stream.isExtended = field === EXTENDED;
    if (stream.isExtended) field = (await this.#reader.take(4)).readUInt32BE();
    if (!isNew) return stream;
    if (sort < 2) {
      stream.length = head.readUIntBE(3, 3);
      stream.type = head.readUInt8(6);
    }
    if (sort === 0) stream.streamId = head.readUInt32LE(7);
    stream.delta = field;
    stream.timestamp = sort === 0 ? field : (stream.timestamp + field) % 2 ** 32;
    this.#refuse(stream.length);
    stream.missing = stream.length;
    return stream;
  }

  #stream(sort: number, id: number): ChunkStream {
    let stream = this.#streams.get(id);
    if (stream !== undefined) return stream;
    if (sort !== 0) throw new ProtocolError(`Chunk stream ${id} does not begin with a whole head`);
    if (this.#streams.size === MAX_CHUNK_STREAMS)
      throw new ProtocolError(`More than ${MAX_CHUNK_STREAMS} chunk streams`);
    this.#streams.set(id, (stream = new ChunkStream()));
    return stream;
  }

  #refuse(bytes: number): void {
    if (bytes <= this.#messageBytes) return;
    throw new ProtocolError(`A message of ${bytes} bytes is refused: the limit is ${this.#messageBytes}`);
  }

  #abort(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    for (const part of stream.parts) this.#unfinished -= part.length;
    stream.parts = [];
    stream.missing = 0;
  }
}

/**
 * A message in chunks of OUR_CHUNK_BYTES, with whole heads: it does not depend on what was sent before, so the same bytes go to
 * every player.
 */
export function encodeMessage(message: Message, allocate: Allocate = (size) => Buffer.allocUnsafe(size)): Buffer {
  const { type, streamId, timestamp, payload } = message;
  const chunkStream = type < MessageType.Audio ? 2 : type === MessageType.Command ? 3 : type;
  const isExtended = timestamp >= EXTENDED;
  const extraBytes = isExtended ? 4 : 0;
  const chunks = Math.max(1, Math.ceil(payload.length / OUR_CHUNK_BYTES));
  const bytes = allocate(HEAD_BYTES[0] + payload.length + chunks * (1 + extraBytes));
  let at = bytes.writeUInt8(chunkStream);
  at = bytes.writeUIntBE(isExtended ? EXTENDED : timestamp, at, 3);
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
