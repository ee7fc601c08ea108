/**
 * Arrays of bytes as V8 knows them, whatever class they are of.
 *
 * A class that extends Uint8Array or Buffer may answer for itself where its bytes are and how many (a getter), and is asked to make
 * the parts of its arrays (`subarray`, through Symbol.species): one whose constructor takes a size makes them of other bytes.
 * What is sent must be what the array has, and nothing else that lies in the library's blocks. So such an array is
 * exchanged for a view of the library's own on the same bytes. One of another realm is as well, which harms nobody.
 */
import { Buffer } from 'node:buffer';

const arrayPrototype = Uint8Array.prototype;
const bufferPrototype: unknown = Buffer.prototype;
/** %TypedArray%.prototype, whose getters look at the array itself. */
const typedArrayPrototype = Object.getPrototypeOf(arrayPrototype) as object;

/** The array, or a view on the same bytes when it is of somebody's own class. */
export function plainBytes(array: Uint8Array): Uint8Array {
  const prototype: unknown = Object.getPrototypeOf(array);
  if (prototype === arrayPrototype || prototype === bufferPrototype) return array;
  try {
    const buffer = Reflect.get(typedArrayPrototype, 'buffer', array) as ArrayBufferLike;
    const byteOffset = Reflect.get(typedArrayPrototype, 'byteOffset', array) as number;
    const byteLength = Reflect.get(typedArrayPrototype, 'byteLength', array) as number;
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch {
    return array; // its memory was detached: whoever looks at it finds out
  }
}
