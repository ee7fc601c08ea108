/** Gives out handles and finds sockets by them. pal-number.ts says what a handle is made of. */
import type { AnyHandle } from '../pal/handles.ts';
import { compact, INDEX_BITS, isForeignHandle, PAL_UNIT } from '../util/pal-number.ts';
import type { SocketRecord } from './socket-record.ts';

/** Sockets that one PAL can have open at a time. */
export const MAX_SOCKETS = 2 ** INDEX_BITS;
const INDEX_MASK = MAX_SOCKETS - 1;
/** Sockets that one place of the table serves, one after the other: then it is used up, since no handle may come again. */
export const MAX_GENERATIONS = PAL_UNIT / MAX_SOCKETS - 1;

/** What a number is that somebody uses as a handle, when no socket of the table has it. */
export type Unfound = 'closed' | 'foreign' | 'unknown';

export class SocketTable {
  readonly #pal: number;
  readonly #firstHandle: number;
  readonly #records: (SocketRecord | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  #usedUp = 0;

  /** @param pal number of the PAL, 0 … 8191 */
  constructor(pal: number) {
    this.#pal = pal;
    this.#firstHandle = pal * PAL_UNIT;
  }

  get size(): number {
    return this.#records.length - this.#free.length - this.#usedUp;
  }

  /** Adds what `make` makes for a fresh handle, or returns null when the table is full. */
  add<Added extends SocketRecord>(make: (handle: AnyHandle) => Added): Added | null {
    let index = this.#free.pop();
    if (index === undefined) {
      index = this.#records.length;
      if (index === MAX_SOCKETS) return null;
      this.#records.push(undefined);
      this.#generations.push(0);
    }
    const generation = (this.#generations[index] ?? 0) + 1;
    this.#generations[index] = generation;
    const added = make(compact(this.#firstHandle + generation * MAX_SOCKETS + index) as AnyHandle);
    this.#records[index] = added;
    return added;
  }

  /** The socket of a handle, or undefined when there is none (any more). Takes anything. */
  find(handle: number): SocketRecord | undefined {
    // `&` would run code of an object's, and throw for a BigInt.
    if (typeof handle !== 'number') return undefined;
    // It takes the number modulo 2^32, which keeps the index bits of handles beyond 2^32 too.
    const record = this.#records[handle & INDEX_MASK];
    return record?.handle === handle ? record : undefined;
  }

  /** What a number is for which find() has found nothing. Takes anything. */
  whyNot(handle: unknown): Unfound {
    if (typeof handle !== 'number' || !Number.isSafeInteger(handle) || handle < MAX_SOCKETS) return 'unknown';
    if (isForeignHandle(this.#pal, handle)) return 'foreign';
    const index = handle & INDEX_MASK;
    const generation = Math.floor((handle - this.#firstHandle) / MAX_SOCKETS);
    const latest = this.#generations[index] ?? 0;
    const given = generation >= 1 && generation <= latest;
    return given && this.#records[index]?.handle !== handle ? 'closed' : 'unknown';
  }

  remove(record: SocketRecord): void {
    const index = record.handle & INDEX_MASK;
    if (this.#records[index] !== record) throw new Error(`Socket ${record.handle} is not in the table: removed twice`);
    this.#records[index] = undefined;
    if ((this.#generations[index] ?? 0) < MAX_GENERATIONS) this.#free.push(index);
    else this.#usedUp++;
  }

  *[Symbol.iterator](): Iterator<SocketRecord> {
    for (const record of this.#records) if (record !== undefined) yield record;
  }
}
