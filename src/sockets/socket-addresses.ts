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
/**
 * Peers that a socket remembers, powers of two: at first, and when it has met more than that again and again. Beyond it makes an object now
 * and then.
 */
const FIRST_PEERS = 64;
const MOST_PEERS = 1024;
/** Destinations that it remembers, a power of two. */
const DESTINATIONS = 512;
/** Places that one may lie in. */
const PROBES = 4;

/**
 * The peers from which a socket has received lately. Each lies where its address says, or in one of the next places; when these are all
 * taken, the next one replaces one there.
 */
export class PeerCache {
  /** Signed, since V8 keeps a number beyond 2^31 in memory of its own. */
  #keys = new Int32Array(FIRST_PEERS * WORDS);
  #peers = new Array<Endpoint | null>(FIRST_PEERS).fill(null);
  /** How many have been replaced since it has this size. */
  #replaced = 0;

  /** The end point of the sockaddr that starts at a word, or null when it is none. */
  find(words: Uint32Array, start: number): Endpoint | null {
    const first = signedWord(words, start);
    const length = (first & 0xffff) === AF_INET ? IPV4_WORDS : WORDS;
    let hash = first;
    for (let word = 1; word < length; word++) hash = (Math.imul(hash, 31) + signedWord(words, start + word)) | 0;
    const peers = this.#peers;
    const home = placeOf(hash, peers.length);
    let free = home;
    for (let step = 0; step < PROBES; step++) {
      const place = (home + step) & (peers.length - 1);
      const known = peers[place] ?? null;
      if (known === null) {
        free = place;
        break;
      }
      if (this.#matches(place, words, start, length)) return known;
    }
    const bytes = new Uint8Array(words.buffer, words.byteOffset + start * 4, sockaddr_in6.size);
    const endpoint = readSockaddr(bytes);
    if (endpoint === null) return null;
    // Shared by all datagrams of this peer, so nobody may change it.
    const peer = Object.freeze(endpoint);
    if (peers[free] !== null && this.#hasGrown()) return peer; // it is remembered the next time
    peers[free] = peer;
    for (let word = 0; word < length; word++) this.#keys[free * WORDS + word] = signedWord(words, start + word);
    return peer;
  }

  /** One is to be replaced: when that happens again and again, all are forgotten, in favour of twice the room. */
  #hasGrown(): boolean {
    this.#replaced++;
    const size = this.#peers.length * 2;
    if (this.#replaced < this.#peers.length || size > MOST_PEERS) return false;
    this.#keys = new Int32Array(size * WORDS);
    this.#peers = new Array<Endpoint | null>(size).fill(null);
    this.#replaced = 0;
    return true;
  }

  #matches(place: number, words: Uint32Array, start: number, length: number): boolean {
    for (let word = 0; word < length; word++) {
      if (this.#keys[place * WORDS + word] !== signedWord(words, start + word)) return false;
    }
    return true;
  }
}

function signedWord(words: Uint32Array, index: number): number {
  return (words[index] ?? 0) | 0;
}

/** Fibonacci hashing: the upper bits of the product depend on all of the lower ones. @param size a power of two */
function placeOf(hash: number, size: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (Math.clz32(size) + 1);
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

/** The destinations to which a socket has sent lately: a server answers the same peers again and again. */
export class DestinationCache {
  /** Mostly the next datagram goes where the last one went. */
  #last: ResolvedDestination | null = null;
  /** Made when there is a second one. */
  #others: (ResolvedDestination | null)[] | null = null;

  /** The one that was remembered under these words, or null: also for what is neither an address nor a port. */
  find(address: unknown, port: unknown): ResolvedDestination | null {
    const last = this.#last;
    if (last !== null && last.port === port && last.address === address) return last;
    if (this.#others === null || typeof address !== 'string' || typeof port !== 'number') return null;
    const home = homeOf(address, port);
    for (let step = 0; step < PROBES; step++) {
      const known = this.#others[(home + step) & (DESTINATIONS - 1)] ?? null;
      if (known === null) return null;
      if (known.port !== port || known.address !== address) continue;
      this.#last = known;
      return known;
    }
    return null;
  }

  /** One that find() has not found. */
  remember(destination: ResolvedDestination): void {
    const { address, port } = destination;
    if (this.#last !== null) {
      this.#others ??= new Array<ResolvedDestination | null>(DESTINATIONS).fill(null);
      const home = homeOf(address, port);
      let step = 0;
      while (step < PROBES - 1 && this.#others[(home + step) & (DESTINATIONS - 1)] !== null) step++;
      this.#others[(home + step) & (DESTINATIONS - 1)] = destination;
    }
    this.#last = destination;
  }
}

/** Peers of one machine differ in their port, those of one sort (players of a game) in the end of their address. */
function homeOf(address: string, port: number): number {
  const { length } = address;
  const end =
    (address.charCodeAt(length - 1) << 4) ^ (address.charCodeAt(length - 2) << 8) ^ address.charCodeAt(length - 3);
  return placeOf(port ^ (end << 3), DESTINATIONS);
}

/** Writes where an operation's datagram goes into its slot. Returns the bytes of the address: 0 for the connected peer. */
export function writeDestination(words: Uint32Array, { word, datagram }: Operation): number {
  const destination = datagram?.destination ?? null;
  if (destination === null) return 0;
  words.set(destination.words, word + DATAGRAM_SLOT.ADDRESS / 4);
  return destination.length;
}
