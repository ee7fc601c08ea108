/**
 * Watches that cannot go on for lack of something that belongs to all sockets: an operation slot for their zero-byte
 * receive, or room in the queues for what they would write. They are looked at again when there is some, and not before:
 * looking every turn would keep the loop busy with nothing (it did).
 */
import type { SocketRecord } from '../../sockets/socket-record.ts';

/** Watches for writing that are looked at again per turn at most: there may be room for a few only. */
const MAX_WRITERS_PER_TURN = 64;

export class WaitingWatches {
  /** In the order of their coming, so that nobody is passed over. */
  readonly #awaitingSlot = new Set<SocketRecord>();
  readonly #awaitingRoom = new Set<SocketRecord>();

  get size(): number {
    return this.#awaitingSlot.size + this.#awaitingRoom.size;
  }

  awaitSlot(record: SocketRecord): void {
    this.#awaitingSlot.add(record);
  }

  awaitRoom(record: SocketRecord): void {
    this.#awaitingRoom.add(record);
  }

  /** The watch has ended. */
  forget(record: SocketRecord): void {
    this.#awaitingSlot.delete(record);
    this.#awaitingRoom.delete(record);
  }

  /** Takes as many watches as there are free slots. */
  takeForSlots(free: number, again: (record: SocketRecord) => void): void {
    take(this.#awaitingSlot, free, again);
  }

  /** There is room for another byte: takes some that wait for it. */
  takeForRoom(again: (record: SocketRecord) => void): void {
    take(this.#awaitingRoom, MAX_WRITERS_PER_TURN, again);
  }
}

function take(waiting: Set<SocketRecord>, most: number, again: (record: SocketRecord) => void): void {
  let left = most;
  for (const record of waiting) {
    if (left === 0) return;
    left--;
    waiting.delete(record);
    again(record);
  }
}
