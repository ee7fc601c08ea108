/**
 * Arrays of bytes as V8 knows them, whatever class they are of.
 *
 * A class that extends Uint8Array or Buffer may answer for itself where its bytes are and how many (a getter), and is asked to make
 * the parts of its arrays (`subarray`, through Symbol.species): one whose constructor takes a size makes them of other bytes.
 * What is sent must be what the array has, and nothing else that lies in the library's blocks. So such an array is
 * exchanged for a view of the library's own on the same bytes. One of another realm is as well, which harms nobody.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { isUint8Array } from 'node:util/types';

/** %TypedArray%.prototype, whose getters look at the array itself. */
const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;

/**
 * The array, or a view on the same bytes when it is of somebody's own class.
 *
 * A class says what it is by its constructor. Object.getPrototypeOf would say the same, but V8 leaves compiled code for it.
 */
export function plainBytes(array: Uint8Array): Uint8Array {
  const { constructor } = array;
  return constructor === Uint8Array || constructor === Buffer ? array : viewOf(array);
}

function viewOf(array: Uint8Array): Uint8Array {
  try {
    const buffer = Reflect.get(typedArrayPrototype, 'buffer', array) as ArrayBufferLike;
    const byteOffset = Reflect.get(typedArrayPrototype, 'byteOffset', array) as number;
    const byteLength = Reflect.get(typedArrayPrototype, 'byteLength', array) as number;
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch {
    return array; // its memory was detached: whoever looks at it finds out
  }
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);
/** A number of 64 bits is low + high * TWO_32. */
export const TWO_32 = 4294967296;
/**
 * Up to this many bytes, a loop in JavaScript is as fast as a call of V8's or of Node's, which takes 10 to 15 ns for any number of
 * bytes: a loop takes one for each.
 */
const COPY_LOOP_LIMIT = 16;
/** Major version. */
const NODE = Number.parseInt(process.versions.node);
/** The same for Buffer's copy(), which makes two views before it copies in Node.js 20: 40 to 80 ns. */
const COPY_OUT_LOOP_LIMIT = NODE < 22 ? 64 : COPY_LOOP_LIMIT;
/**
 * Buffer's copy() throws for nothing that it is given here: of memory that has gone it copies fewer bytes. V8 compiles a call of it to 13 ns
 * then, and where what it throws would be caught to 38. In other versions of Node.js it takes as long either way, and may throw.
 */
const COPIES_WITHOUT_THROWING = NODE === 22;

/**
 * Copies received bytes to the start of a reader's buffer. Returns false when it has no room for them any more.
 *
 * Of a user's array it is always byteLength that is asked: of one that was detached V8 (11.3 to 12.4 at least) may still answer
 * `length` with the length it had, in optimised code that has met resizable buffers too.
 */
export function copyOut(source: Buffer, from: number, target: Uint8Array, bytes: number): boolean {
  if (bytes > target.byteLength) return false;
  if (bytes > COPY_OUT_LOOP_LIMIT) {
    return COPIES_WITHOUT_THROWING ? copyMany(source, from, target, bytes) : tryToCopyMany(source, from, target, bytes);
  }
  for (let at = 0; at < bytes; at++) target[at] = source[from + at] ?? 0;
  return true;
}

function copyMany(source: Buffer, from: number, target: Uint8Array, bytes: number): boolean {
  return source.copy(target, 0, from, from + bytes) === bytes;
}

function tryToCopyMany(source: Buffer, from: number, target: Uint8Array, bytes: number): boolean {
  try {
    return copyMany(source, from, target, bytes);
  } catch {
    return false; // it has lost them between the look and the copy
  }
}

/** Copies bytes that are to be sent. Returns false when their array has lost them between the look at it and the copy. */
export function copyIn(target: Uint8Array, at: number, source: Uint8Array, offset: number, length: number): boolean {
  try {
    if (length <= COPY_LOOP_LIMIT) {
      for (let index = 0; index < length; index++) target[at + index] = source[offset + index] ?? 0;
    } else if (length === source.byteLength) {
      target.set(source, at);
    } else {
      target.set(source.subarray(offset, offset + length), at);
    }
    return true;
  } catch {
    return false;
  }
}

/** The same for the first `length` bytes of an array, or of a list of them. */
export function copyAllIn(
  target: Uint8Array,
  at: number,
  data: Uint8Array | readonly Uint8Array[],
  length: number,
): boolean {
  if (isUint8Array(data)) return copyIn(target, at, data, 0, length);
  let copied = 0;
  for (const part of data) {
    const count = Math.min(part.byteLength, length - copied);
    if (!copyIn(target, at + copied, part, 0, count)) return false;
    copied += count;
  }
  return copied === length;
}
