/** The datagrams of a batch, behind one another in one block. Each PAL has one, and uses it again: a batch allocates nothing. */
import { Buffer } from 'node:buffer';
import type { Block } from '../memory/block-pool.ts';
import type { DatagramBatch } from '../pal/datagram.ts';
import type { Endpoint } from '../pal/handles.ts';
import { NO_ENDPOINT } from '../sockets/addresses.ts';
import { requireInteger } from '../util/validate.ts';

/** Datagrams of a batch at most: what a socket takes in one turn. */
export const MAX_BATCH = 64;
/** Bytes that each datagram begins at a multiple of. */
const ALIGNMENT = 8;
const NO_BYTES = Buffer.alloc(0);

export class Batch implements DatagramBatch {
  count = 0;
  bytes: Buffer = NO_BYTES;
  readonly #starts = new Int32Array(MAX_BATCH);
  readonly #lengths = new Int32Array(MAX_BATCH);
  readonly #cut = new Uint8Array(MAX_BATCH);
  readonly #peers = new Array<Endpoint>(MAX_BATCH).fill(NO_ENDPOINT);
  #block: Block | null = null;
  #end = 0;

  /** Begins anew, in a block that is the batch's until end(). */
  begin(block: Block): void {
    this.#block = block;
    this.bytes = block.bytes;
    this.count = 0;
    this.#end = 0;
  }

  /** Where the next datagram begins, bytes from the start. */
  get next(): number {
    return this.#end;
  }

  /** The same as the system sees it; 0 and more where it must not. */
  get address(): number {
    return (this.#block?.address ?? 0) + this.#end;
  }

  /** There is room for another one of that many bytes. */
  hasRoom(bytes: number): boolean {
    return this.count < MAX_BATCH && this.#end + bytes <= this.bytes.length;
  }

  /** Puts one down whose bytes lie at `next` already. (A size of Infinity as a parameter would take memory for each.) */
  add(bytes: number, isCut: boolean, peer: Endpoint): void {
    const { count } = this;
    this.#starts[count] = this.#end;
    this.#lengths[count] = bytes;
    this.#cut[count] = isCut ? 1 : 0;
    this.#peers[count] = peer;
    this.#end = (this.#end + bytes + ALIGNMENT - 1) & -ALIGNMENT;
    this.count = count + 1;
  }

  /** Nothing of it is anybody's any more. Returns the block. */
  end(): Block | null {
    const block = this.#block;
    this.#block = null;
    this.bytes = NO_BYTES;
    this.#peers.fill(NO_ENDPOINT, 0, this.count); // who keeps a batch keeps nobody's address
    this.count = 0;
    return block;
  }

  start(index: number): number {
    return this.#starts[this.#known(index)] ?? 0;
  }

  length(index: number): number {
    return this.#lengths[this.#known(index)] ?? 0;
  }

  size(index: number): number {
    return this.#cut[this.#known(index)] === 1 ? Infinity : this.length(index);
  }

  peer(index: number): Endpoint {
    return this.#peers[this.#known(index)] ?? NO_ENDPOINT;
  }

  view(index: number): Buffer {
    const start = this.start(index);
    return this.bytes.subarray(start, start + this.length(index));
  }

  #known(index: number): number {
    requireInteger('index', index, 0, Math.max(0, this.count - 1));
    return index;
  }
}

/** What a callback gets with an error. */
export const NO_BATCH: DatagramBatch = new Batch();
