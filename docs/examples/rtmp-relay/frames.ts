/** What the relay must know of a message that goes to the players: whether one may begin with it, and whether it may be dropped. */
import { encodeAmf0 } from './amf0.ts';
import { encodeMessage, type Message } from './chunks.ts';
import type { Allocate } from './frame-memory.ts';
import { MEDIA_STREAM, MessageType } from './messages.ts';

/** A message as it goes to every player. */
export interface Frame {
  readonly bytes: Buffer;
  readonly kind: 'video' | 'audio' | 'data' | 'end';
  /** A key frame: a player may begin here. */
  readonly isKey: boolean;
  /** What decoders cannot do without (settings of codecs, metadata, the end): it is never dropped. */
  readonly isKept: boolean;
}

const KEY_FRAME = 1;
/** Codecs whose first message has their settings, by their number in FLV. */
const [AVC, HEVC, AAC] = [7, 12, 10];
/** The audio format that says that the rest is as the second edition of FLV has it. */
const ENHANCED_AUDIO = 9;
const SET_DATA_FRAME = encodeAmf0('@setDataFrame');
const METADATA = encodeAmf0('onMetaData');

/**
 * Null for what is nobody's concern.
 *
 * Source: Adobe Flash Video File Format Specification 10.1, E.4; Enhanced RTMP v2 for the codecs that have names
 */
export function frameOf(message: Message, allocate: Allocate): Frame | null {
  const { type, timestamp, payload } = message;
  const frame = (kind: Frame['kind'], payload: Buffer, isKey: boolean, isKept: boolean): Frame => {
    const sent = { type: kind === 'data' ? MessageType.Data : type, streamId: MEDIA_STREAM, timestamp, payload };
    return { kind, bytes: encodeMessage(sent, allocate), isKey, isKept };
  };
  const first = payload[0];
  if (first === undefined) return null;
  if (type === MessageType.Video) {
    const isEnhanced = (first & 128) !== 0;
    const codec = first & 15;
    const isSettings = isEnhanced ? codec === 0 : (codec === AVC || codec === HEVC) && payload[1] === 0;
    const isKey = ((first >> 4) & 7) === KEY_FRAME && !isSettings;
    return frame('video', payload, isKey, isSettings);
  }
  if (type === MessageType.Audio) {
    const format = first >> 4;
    const isSettings = format === ENHANCED_AUDIO ? (first & 15) === 0 : format === AAC && payload[1] === 0;
    return frame('audio', payload, false, isSettings);
  }
  // Publishers ask for their metadata to be kept; players get it without these words. AMF3 puts a zero in front.
  let data = type === MessageType.DataAmf3 ? payload.subarray(1) : payload;
  if (begins(data, SET_DATA_FRAME)) data = data.subarray(SET_DATA_FRAME.length);
  return frame('data', data, false, begins(data, METADATA));
}

/** What players are told when there is no more. */
export function endOf(bytes: Buffer): Frame {
  return { kind: 'end', bytes, isKey: false, isKept: true };
}

function begins(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start);
}
