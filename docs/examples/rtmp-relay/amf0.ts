/**
 * AMF0, the values that commands and metadata are made of: a byte says which sort, and the value follows.
 *
 * Source: Adobe, Action Message Format AMF 0
 */
import { ProtocolError } from './protocol-error.ts';

export type Amf0Value = number | boolean | string | null | undefined | Amf0Value[] | Amf0Object;
export interface Amf0Object {
  [name: string]: Amf0Value;
}

const Marker = {
  Number: 0,
  Boolean: 1,
  String: 2,
  Object: 3,
  Null: 5,
  Undefined: 6,
  EcmaArray: 8,
  ObjectEnd: 9,
  StrictArray: 10,
  Date: 11,
  LongString: 12,
  XmlDocument: 15,
  TypedObject: 16,
} as const;

/** Objects in objects: a command has two levels. Without a bound a peer decides how deep our stack is. */
const MAX_DEPTH = 8;

/** All values of a message, one behind the other. @throws ProtocolError */
export function decodeAmf0(bytes: Buffer): Amf0Value[] {
  const decoder = new Decoder(bytes);
  const values: Amf0Value[] = [];
  while (!decoder.isAtEnd) values.push(decoder.value(0));
  return values;
}

class Decoder {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): Amf0Value {
    if (depth > MAX_DEPTH) throw new ProtocolError(`AMF0 values are nested more than ${MAX_DEPTH} deep`);
    const marker = this.#take(1).readUInt8();
    switch (marker) {
      case Marker.Number:
        return this.#take(8).readDoubleBE();
      case Marker.Boolean:
        return this.#take(1).readUInt8() !== 0;
      case Marker.String:
        return this.#text(this.#take(2).readUInt16BE());
      case Marker.LongString:
      case Marker.XmlDocument:
        return this.#text(this.#take(4).readUInt32BE());
      case Marker.Null:
        return null;
      case Marker.Undefined:
        return undefined;
      case Marker.Date: // milliseconds since 1970, and a time zone, which is reserved
        return this.#take(10).readDoubleBE();
      case Marker.StrictArray: {
        const values: Amf0Value[] = [];
        for (let left = this.#take(4).readUInt32BE(); left > 0; left--) values.push(this.value(depth + 1));
        return values;
      }
      case Marker.EcmaArray:
        this.#take(4); // how many there are is a hint only: the end is marked
        return this.#object(depth);
      case Marker.TypedObject:
        this.#text(this.#take(2).readUInt16BE());
        return this.#object(depth);
      case Marker.Object:
        return this.#object(depth);
      default:
        throw new ProtocolError(`No AMF0 value begins with ${marker}`);
    }
  }

  #object(depth: number): Amf0Object {
    const object = Object.create(null) as Amf0Object; // the names are the peer's, '__proto__' among them
    for (;;) {
      const name = this.#text(this.#take(2).readUInt16BE());
      if (name === '' && this.#bytes[this.#at] === Marker.ObjectEnd) break;
      object[name] = this.value(depth + 1);
    }
    this.#at++;
    return object;
  }

  #text(length: number): string {
    return this.#take(length).toString('utf8');
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new ProtocolError('An AMF0 value is cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** Values, one behind the other. The relay sends no dates, and no arrays. */
export function encodeAmf0(...values: Amf0Value[]): Buffer {
  return Buffer.concat(values.map(encodeOne));
}

function encodeOne(value: Amf0Value): Buffer {
  if (value === null || value === undefined) return Buffer.of(Marker.Null);
  if (typeof value === 'boolean') return Buffer.of(Marker.Boolean, Number(value));
  if (typeof value === 'string') return Buffer.concat([Buffer.of(Marker.String), text(value)]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, Marker.Number);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  const fields = Object.entries(value).flatMap(([name, field]) => [text(name), encodeOne(field)]);
  return Buffer.concat([Buffer.of(Marker.Object), ...fields, Buffer.of(0, 0, Marker.ObjectEnd)]);
}

/** @throws RangeError for more than 65535 bytes */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
