/** An I/O completion port: packets, first in first out for each handle, in any order between handles. */
import { OVERLAPPED_ENTRY } from '../../../ffi/layouts.ts';
import type { Choices } from '../schedule/choices.ts';
import type { Region } from '../memory/memory.ts';
import type { Io } from './io.ts';

/** A completion packet; `io` is null for those that PostQueuedCompletionStatus made. */
export interface Packet {
  readonly key: number;
  readonly overlapped: number;
  readonly status: number;
  readonly bytes: number;
  readonly io: Io | null;
}

export class CompletionPort {
  readonly number: number;
  readonly packets: Packet[] = [];
  /** Called whenever a packet was queued. */
  readonly onPacket = new Set<() => void>();
  /** A waiter of the library's own is waiting on it, so that nobody else may. */
  waited = false;
  /** Threads that may run with packets of it at a time. */
  readonly concurrency: number;
  /** Other threads that have had packets and have not blocked since. */
  running = 0;

  constructor(number: number, concurrency: number) {
    this.number = number;
    this.concurrency = concurrency;
  }

  push(packet: Packet): void {
    this.packets.push(packet);
    for (const heard of this.onPacket) heard();
  }

  /** Takes one packet: the oldest of one of the handles. */
  take(choices: Choices): Packet | undefined {
    const { packets } = this;
    if (packets.length < 2) return packets.shift();
    let place = choices.pick(Math.min(packets.length, MAX_OVERTAKING));
    // What a handle queued earlier comes earlier.
    const key = packets[place]?.key;
    place = packets.findIndex((packet) => packet.key === key);
    return packets.splice(place, 1)[0];
  }
}

/** Packets that one packet may overtake: keeps the number of orders within reason. */
const MAX_OVERTAKING = 8;

/** Writes a packet as GetQueuedCompletionStatusEx does. */
export function writeEntry(region: Region, address: number, packet: Packet): void {
  region.setPointer(address + OVERLAPPED_ENTRY.lpCompletionKey, packet.key);
  region.setPointer(address + OVERLAPPED_ENTRY.lpOverlapped, packet.overlapped);
  region.setPointer(address + OVERLAPPED_ENTRY.Internal, packet.status);
  region.setUint32(address + OVERLAPPED_ENTRY.dwNumberOfBytesTransferred, packet.bytes);
}
