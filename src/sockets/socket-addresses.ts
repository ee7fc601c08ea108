/**
 * Addresses of datagrams, without an object per datagram: those that come in are looked up by their bytes, and a
 * destination is parsed once for as long as it stays the same.
 */
import { AF_INET } from '../../ffi/constants.ts';
import { sockaddr_in6 } from '../../ffi/layouts.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { IpAddress } from '../pal/ip-address.ts';
import { DATAGRAM_SLOT, type Operation } from '../memory/operation.ts';
import { readSockaddr, writeSockaddr } from '../memory/scratch.ts';

/** 32-bit words of a sockaddr_in6, and of the part of a sockaddr_in that says anything. */
const WORDS = sockaddr_in6.size / 4;
const IPV4_WORDS = 2;
/** Peers that a socket remembers, a power of two: a server with more of them makes an object now and then. */
const PEERS = 64;

/** The peers from which a socket has received lately. Each lies where its address says; the next one with that place replaces it. */
export class PeerCache {
  readonly #keys = new Uint32Array(PEERS * WORDS);
  readonly #peers = new Array<Endpoint | null>(PEERS).fill(null);

  /** The end point of the sockaddr that starts at a word, or null when it is none. */
  find(words: Uint32Array, start: number): Endpoint | null {
    const first = words[start] ?? 0;
    const length = (first & 0xffff) === AF_INET ? IPV4_WORDS : WORDS;
    let hash = first;
    for (let word = 1; word < length; word++) hash = Math.imul(hash, 31) + (words[start + word] ?? 0);
    // Fibonacci hashing: the upper bits of the product depend on all of the lower ones.
    const place = Math.imul(hash, 0x9e3779b1) >>> 26;
    const known = this.#peers[place] ?? null;
    if (known !== null && this.#matches(place, words, start, length)) return known;
    const bytes = new Uint8Array(words.buffer, words.byteOffset + start * 4, sockaddr_in6.size);
    const endpoint = readSockaddr(bytes);
    if (endpoint === null) return null;
    // Shared by all datagrams of this peer, so nobody may change it.
    const peer = Object.freeze(endpoint);
    this.#peers[place] = peer;
    for (let word = 0; word < length; word++) this.#keys[place * WORDS + word] = words[start + word] ?? 0;
    return peer;
  }

  #matches(place: number, words: Uint32Array, start: number, length: number): boolean {
    for (let word = 0; word < length; word++) {
      if (this.#keys[place * WORDS + word] !== words[start + word]) return false;
    }
    return true;
  }
}

/** A destination as text and as the sockaddr that WSASendTo takes. */
export class ResolvedDestination {
  /** As the caller wrote it. */
  readonly address: string;
  readonly port: number;
  readonly words: Uint32Array = new Uint32Array(WORDS);
  /** Bytes of the sockaddr. */
  readonly length: number;

  constructor(text: string, address: IpAddress, port: number) {
    this.address = text;
    this.port = port;
    this.length = writeSockaddr(new Uint8Array(this.words.buffer), address, port);
  }
}

/** Writes where an operation's datagram goes into its slot. Returns the bytes of the address: 0 for the connected peer. */
export function writeDestination(words: Uint32Array, { word, datagram }: Operation): number {
  const destination = datagram?.destination ?? null;
  if (destination === null) return 0;
  words.set(destination.words, word + DATAGRAM_SLOT.ADDRESS / 4);
  return destination.length;
}
