/** Gives out handles and finds sockets by them. pal/handles.ts says what a handle is made of. */
import type { AnyHandle } from '../pal/handles.ts';
import type { SocketRecord } from './socket-record.ts';

/** Bits of a handle that are the index; generations are above. */
const INDEX_BITS = 20;
/** Sockets that one PAL can have open at a time. */
export const MAX_SOCKETS = 2 ** INDEX_BITS;
const INDEX_MASK = MAX_SOCKETS - 1;

export class SocketTable {
  readonly #records: (SocketRecord | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];

  /** Open sockets. */
  get size(): number {
    return this.#records.length - this.#free.length;
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
    const added = make((generation * MAX_SOCKETS + index) as AnyHandle);
    this.#records[index] = added;
    return added;
  }

  /** The socket of a handle, or undefined when there is none (any more). */
  find(handle: number): SocketRecord | undefined {
    // `&` takes the number modulo 2^32, which keeps the index bits of handles beyond 2^32 too.
    const record = this.#records[handle & INDEX_MASK];
    return record?.handle === handle ? record : undefined;
  }

  /** True for a handle that this table has given out and that is closed. */
  wasClosed(handle: unknown): boolean {
    if (typeof handle !== 'number') return false;
    const index = handle & INDEX_MASK;
    const generation = Math.floor(handle / MAX_SOCKETS);
    const latest = this.#generations[index] ?? 0;
    return generation >= 1 && (generation < latest || (generation === latest && this.#records[index] === undefined));
  }

  remove(record: SocketRecord): void {
    const index = record.handle & INDEX_MASK;
    if (this.#records[index] !== record) throw new Error(`Socket ${record.handle} is not in the table: removed twice`);
    this.#records[index] = undefined;
    this.#free.push(index);
  }

  *[Symbol.iterator](): Iterator<SocketRecord> {
    for (const record of this.#records) if (record !== undefined) yield record;
  }
}
