/** What the relay must know of a message that goes to the players: whether one may begin with it, and whether it may be dropped. */
import { encodeAmf0 } from './amf0.ts';
import { encodeMessage, MessageType, type Allocate, type Message } from './chunks.ts';
import { MEDIA_STREAM } from './messages.ts';

/** A message as it goes to every player. */
export interface Frame {
  readonly bytes: Buffer;
  /** The end is what players are told when there is no more. */
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
  const [first, second] = payload;
  if (first === undefined) return null;
  if (type === MessageType.Video) {
    const isEnhanced = (first & 128) !== 0;
    const codec = first & 15;
    const isKept = isEnhanced ? codec === 0 : (codec === AVC || codec === HEVC) && second === 0;
    const isKey = ((first >> 4) & 7) === KEY_FRAME && !isKept;
    return { kind: 'video', bytes: encodeMessage(message, MEDIA_STREAM, allocate), isKey, isKept };
  }
  if (type === MessageType.Audio) {
    const format = first >> 4;
    const isKept = format === ENHANCED_AUDIO ? (first & 15) === 0 : format === AAC && second === 0;
    return { kind: 'audio', bytes: encodeMessage(message, MEDIA_STREAM, allocate), isKey: false, isKept };
  }
  if (type !== MessageType.Data && type !== MessageType.DataAmf3) return null;
  // Publishers ask for their metadata to be kept; players get it without these words. AMF3 puts a zero in front.
  let data = type === MessageType.DataAmf3 ? payload.subarray(1) : payload;
  if (data.indexOf(SET_DATA_FRAME) === 0) data = data.subarray(SET_DATA_FRAME.length);
  const bytes = encodeMessage({ type: MessageType.Data, timestamp, payload: data }, MEDIA_STREAM, allocate);
  return { kind: 'data', bytes, isKey: false, isKept: data.indexOf(METADATA) === 0 };
}
