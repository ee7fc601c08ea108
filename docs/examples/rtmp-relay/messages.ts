/** The messages that are more than media: those that the relay sends. */
import { encodeAmf0, type Amf0Value } from './amf0.ts';
import { Control, encodeMessage, MessageType, OUR_CHUNK_BYTES } from './chunks.ts';

/** What a UserControl message is about. */
export const UserControl = { StreamBegin: 0, StreamEnd: 1, PingRequest: 6, PingResponse: 7 } as const;

/** The message stream of media: createStream gives everybody this one, so the same bytes suit all players. */
export const MEDIA_STREAM = 1;
/** Bytes after which a peer tells how much he has got. */
const WINDOW_BYTES = 5_000_000;
const DYNAMIC_LIMIT = 2;

function encode(type: number, payload: Buffer, streamId = 0): Buffer {
  return encodeMessage({ type, timestamp: 0, payload }, streamId);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** How we send, and how often we want to hear that it has come. */
export function ourSettings(): Buffer {
  return Buffer.concat([
    encode(Control.WindowSize, uint32(WINDOW_BYTES)),
    encode(Control.Bandwidth, Buffer.concat([uint32(WINDOW_BYTES), Buffer.of(DYNAMIC_LIMIT)])),
    encode(Control.ChunkSize, uint32(OUR_CHUNK_BYTES)),
  ]);
}

export function acknowledgement(bytes: number): Buffer {
  return encode(Control.Acknowledgement, uint32(bytes % 2 ** 32));
}

export function userControl(event: number, value: number): Buffer {
  return encode(Control.User, Buffer.concat([Buffer.of(0, event), uint32(value)]));
}

/** A call of the other side, or the answer to one. */
export function command(streamId: number, ...values: Amf0Value[]): Buffer {
  return encode(MessageType.Command, encodeAmf0(...values), streamId);
}

/** What has become of publish or play. */
export function status(code: string, description: string, level = 'status'): Buffer {
  return command(MEDIA_STREAM, 'onStatus', 0, null, { level, code, description });
}
