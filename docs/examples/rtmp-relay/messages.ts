/** The messages that are more than media: what sorts there are, and those that the relay sends. */
import { encodeAmf0, type Amf0Object, type Amf0Value } from './amf0.ts';
import { encodeMessage, OUR_CHUNK_BYTES } from './chunks.ts';

export const MessageType = {
  SetChunkSize: 1,
  Abort: 2,
  Acknowledgement: 3,
  UserControl: 4,
  WindowSize: 5,
  PeerBandwidth: 6,
  Audio: 8,
  Video: 9,
  DataAmf3: 15,
  CommandAmf3: 17,
  Data: 18,
  Command: 20,
} as const;

/** What a UserControl message is about. */
export const UserControl = { StreamBegin: 0, StreamEnd: 1, PingRequest: 6, PingResponse: 7 } as const;

/** The message stream of media: createStream gives everybody this one, so the same bytes suit all players. */
export const MEDIA_STREAM = 1;
/** Bytes after which a peer tells how much he has got. */
const WINDOW_BYTES = 5_000_000;
const DYNAMIC_LIMIT = 2;

function control(type: number, ...numbers: number[]): Buffer {
  const payload = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => payload.writeUInt32BE(number, 4 * index));
  return encodeMessage({ type, streamId: 0, timestamp: 0, payload });
}

/** How we send, and how often we want to hear that it has come. */
export function ourSettings(): Buffer {
  const bandwidth = Buffer.alloc(5, DYNAMIC_LIMIT);
  bandwidth.writeUInt32BE(WINDOW_BYTES);
  return Buffer.concat([
    control(MessageType.WindowSize, WINDOW_BYTES),
    encodeMessage({ type: MessageType.PeerBandwidth, streamId: 0, timestamp: 0, payload: bandwidth }),
    control(MessageType.SetChunkSize, OUR_CHUNK_BYTES),
  ]);
}

export function acknowledgement(bytes: number): Buffer {
  return control(MessageType.Acknowledgement, bytes % 2 ** 32);
}

export function userControl(event: number, value: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(event);
  payload.writeUInt32BE(value, 2);
  return encodeMessage({ type: MessageType.UserControl, streamId: 0, timestamp: 0, payload });
}

/** A call of the other side, or the answer to one. */
export function command(streamId: number, ...values: Amf0Value[]): Buffer {
  return encodeMessage({ type: MessageType.Command, streamId, timestamp: 0, payload: encodeAmf0(...values) });
}

/** What has become of publish or play. */
export function status(code: string, description: string, level = 'status'): Buffer {
  const information: Amf0Object = { level, code, description };
  return command(MEDIA_STREAM, 'onStatus', 0, null, information);
}
