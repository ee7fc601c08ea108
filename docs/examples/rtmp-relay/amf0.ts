/**
 * AMF0, the values that commands and metadata are made of: a byte says which sort, and the value follows.
 *
 * Our own, since no package was found that is kept and bounds what a stranger may ask for: amf and libamf have had no release for
 * years, @astronautlabs/amf is a declaration over a reader of bits, and what node-media-server has is a part of that server.
 *
 * Source: Adobe, Action Message Format AMF 0
 */
import { ProtocolError } from './protocol-error.ts';

export type Amf0Value = number | boolean | string | null | undefined | Amf0Value[] | Amf0Object;
export interface Amf0Object {
  [name: string]: Amf0Value;
}

/** What commands have, those that we send and those that come. */
const Marker = { Number: 0, Boolean: 1, String: 2, Object: 3, Null: 5, ObjectEnd: 9 } as const;
/** What others may send, too. References, typed objects and XML are for Flash's remote calls. */
const TheirMarker = { Undefined: 6, EcmaArray: 8, StrictArray: 10, Date: 11, LongString: 12 } as const;

/** Objects in objects: a command has two levels. Without a bound a peer decides how deep our stack is. */
const MAX_DEPTH = 8;

/** All values of a message, one behind the other. @throws ProtocolError */
export function decodeAmf0(bytes: Buffer): Amf0Value[] {
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw new ProtocolError('An AMF0 value is cut off');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const count = (): number => take(4).readUInt32BE();
  const text = (length = take(2).readUInt16BE()): string => take(length).toString('utf8');
  const object = (depth: number): Amf0Object => {
    const fields = Object.create(null) as Amf0Object; // the names are the peer's, '__proto__' among them
    for (let name = text(); name !== '' || bytes[at] !== Marker.ObjectEnd; name = text()) fields[name] = value(depth);
    at++;
    return fields;
  };
  const array = (depth: number): Amf0Value[] => {
    const values: Amf0Value[] = [];
    for (let left = count(); left > 0; left--) values.push(value(depth));
    return values;
  };
  const readers: Partial<Record<number, (depth: number) => Amf0Value>> = {
    [Marker.Number]: () => take(8).readDoubleBE(),
    [Marker.Boolean]: () => take(1).readUInt8() !== 0,
    [Marker.String]: () => text(),
    [Marker.Object]: object,
    [Marker.Null]: () => null,
    [TheirMarker.Undefined]: () => undefined,
    [TheirMarker.EcmaArray]: object,
    [TheirMarker.StrictArray]: array,
    [TheirMarker.Date]: () => take(10).readDoubleBE(), // milliseconds since 1970, and a time zone, which is reserved
    [TheirMarker.LongString]: () => text(count()),
  };
  const value = (depth: number): Amf0Value => {
    if (depth > MAX_DEPTH) throw new ProtocolError(`AMF0 values are nested more than ${MAX_DEPTH} deep`);
    const marker = take(1).readUInt8();
    const read = readers[marker];
    if (read === undefined) throw new ProtocolError(`No AMF0 value of ours begins with ${marker}`);
    if (marker === TheirMarker.EcmaArray) count(); // a hint only: the end is marked
    return read(depth + 1);
  };
  const values: Amf0Value[] = [];
  while (at < bytes.length) values.push(value(0));
  return values;
}

/** Values, one behind the other. The relay sends no dates, and no arrays. */
export function encodeAmf0(...values: Amf0Value[]): Buffer {
  return Buffer.concat(values.map(encodeOne));
}

function encodeOne(value: Amf0Value): Buffer {
  if (value === null || value === undefined) return Buffer.of(Marker.Null);
  if (typeof value === 'boolean') return Buffer.of(Marker.Boolean, Number(value));
  if (typeof value === 'string') return Buffer.concat([Buffer.of(Marker.String), encodeText(value)]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, Marker.Number);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  const fields = Object.entries(value).flatMap(([name, field]) => [encodeText(name), encodeOne(field)]);
  return Buffer.concat([Buffer.of(Marker.Object), ...fields, Buffer.of(0, 0, Marker.ObjectEnd)]);
}

/** @throws RangeError for more than 65535 bytes */
function encodeText(value: string): Buffer {
  const bytes = Buffer.from(`\0\0${value}`); // the length goes in front
  bytes.writeUInt16BE(bytes.length - 2);
  return bytes;
}
