/**
 * An overlapped operation that the simulated platform holds: what was lent to it, and what it must find unchanged.
 *
 * From the call until its packet is dequeued, OVERLAPPED and buffers are the kernel's. The ledger knows every stretch of
 * memory that is lent: lending it twice, releasing it, or writing to it meanwhile fails the test at that moment, under
 * the slot's name. A real kernel would write over whatever is there by then.
 */
import { OVERLAPPED } from '../../../ffi/layouts.ts';
import { STATUS_END_OF_FILE, STATUS_PENDING } from '../../../ffi/ntstatus.ts';
import { SLOT_SIZE } from '../../memory/operation.ts';
import type { IoKind, SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import type { OpenFile } from '../memory/files.ts';
import { hex, type Region, type SimulatedMemory } from '../memory/memory.ts';
import type { CompletionPort } from './completion-port.ts';
import { SimulatedEvent } from './event.ts';
import type { SimulatedAddress } from './sockaddr.ts';
import type { SimulatedSocket } from './socket.ts';
import type { TcpEnd } from './tcp-end.ts';

/** Bytes from which on a buffer's checksum samples, and the distance of its samples in 32-bit words. */
const SAMPLED_FROM = 1024;
const SAMPLE_STRIDE = 61;

/** A stretch of lent memory. */
export interface Segment {
  readonly region: Region;
  readonly address: number;
  readonly length: number;
}

/** The part of a file that a TransmitFile sends behind its buffers. */
export interface FilePart {
  readonly file: OpenFile;
  readonly position: number;
  readonly length: number;
}

export class Io {
  readonly kind: IoKind;
  readonly socket: SimulatedSocket;
  readonly overlapped: number;
  readonly region: Region;
  readonly segments: readonly Segment[];
  /** TransmitFile: what follows the segments. */
  readonly part: FilePart | null;
  /** Bytes in all segments, and in the part of a file. */
  readonly total: number;
  /** Bytes in all segments. */
  readonly buffered: number;
  /** The process whose call it is. */
  readonly platform: SimulatedProcess;
  readonly port: CompletionPort | null;
  /** Set when it is done, in place of a packet. */
  readonly event: SimulatedEvent | null;
  readonly key: number;
  /** Bytes of a WSASend or TransmitFile that the send buffer has taken. */
  moved = 0;
  /** A cancel has passed it by. */
  wasMissed = false;
  /** Set once the outcome is written. */
  done = false;
  /** Everything lent was found unchanged in this very step. */
  verified = false;
  status = 0;
  bytes = 0;
  /** A send whose socket was closed: the connection that it went on with. */
  takenOverBy: TcpEnd | null = null;
  /** AcceptEx: the socket that the connection will be on, and the room for its own address, in front of the peer's. */
  acceptSocket: SimulatedSocket | null = null;
  localLength = 0;
  /** WSARecvFrom: what is lent beside the data, and where in it the sender's address and its length go. */
  readonly aside: Segment[] = [];
  fromAddress = 0;
  fromLengthAddress = 0;
  /** WSASendTo: from where to where. */
  sender: SimulatedAddress | null = null;
  target: SimulatedAddress | null = null;
  #sum = 0;

  constructor(
    platform: SimulatedProcess,
    kind: IoKind,
    socket: SimulatedSocket,
    overlapped: number,
    region: Region,
    segments: readonly Segment[],
    part: FilePart | null = null,
  ) {
    this.platform = platform;
    this.kind = kind;
    this.socket = socket;
    this.overlapped = overlapped;
    this.region = region;
    this.segments = segments;
    this.event = eventOf(platform, region, overlapped);
    this.port = this.event === null ? socket.port : null;
    this.key = socket.key;
    if (this.port !== null && platform.handle(this.port.number) !== this.port) {
      throw new SimulationError(
        `The packet of ${this.slot} would go to another process, whose port the socket is tied to`,
      );
    }
    let total = 0;
    for (const segment of segments) total += segment.length;
    this.part = part;
    this.buffered = total;
    this.total = total + (part?.length ?? 0);
  }

  /** Bytes that can be sent: fewer than `total` when the file has become too short. */
  get reachable(): number {
    if (this.part === null) return this.total;
    const { file, position, length } = this.part;
    return this.buffered + Math.max(0, Math.min(length, file.content.length - position));
  }

  /** The status of a send that took all it could. Windows tells of a file that is too short; Wine does not. */
  sentStatus(): number {
    if (this.reachable >= this.total || this.platform.profile.name === 'wine') return 0;
    return this.moved < this.total ? STATUS_END_OF_FILE : 0;
  }

  /** What the library calls this operation. */
  get slot(): string {
    const index = (this.overlapped - this.region.address) / SLOT_SIZE;
    return `slot ${index} (${this.kind} on socket ${this.socket.number}, OVERLAPPED ${hex(this.overlapped)})`;
  }

  begin(): void {
    this.region.loans++;
    for (const { region } of this.lent()) region.loans++;
    if (this.part !== null) this.part.file.loans++;
    if (this.event !== null) this.event.users++;
    this.region.setPointer(this.overlapped + OVERLAPPED.Internal, STATUS_PENDING);
    this.#sum = this.#checksum();
  }

  end(): void {
    this.region.loans--;
    for (const { region } of this.lent()) region.loans--;
    if (this.part !== null) this.part.file.loans--;
    if (this.event !== null) this.event.users--;
  }

  /** The kernel's result, written where the library finds it. */
  write(status: number, bytes: number): void {
    this.done = true;
    this.verified = false;
    this.status = status;
    this.bytes = bytes;
    this.region.setPointer(this.overlapped + OVERLAPPED.Internal, status);
    this.region.setPointer(this.overlapped + OVERLAPPED.InternalHigh, bytes);
    this.#sum = this.#checksum();
    if (this.kind === 'TransmitFile') this.platform.transmits.leave(this);
  }

  /** Fails when anything that is lent has changed. */
  verify(): void {
    if (this.verified) return;
    const expected = this.done ? this.status : STATUS_PENDING;
    const found = this.region.getUint32(this.overlapped + OVERLAPPED.Internal);
    if (found !== expected) {
      throw new SimulationError(
        `OVERLAPPED.Internal of ${this.slot} was ${hex(expected)} and is ${hex(found)}: the kernel still has it`,
      );
    }
    if (this.#checksum() !== this.#sum) {
      throw new SimulationError(`Memory lent to the kernel changed under it: ${this.slot}`);
    }
  }

  /** Everything that is lent, but for the OVERLAPPED. */
  lent(): readonly Segment[] {
    return this.aside.length === 0 ? this.segments : [...this.segments, ...this.aside];
  }

  #checksum(): number {
    const { words } = this.region;
    const first = (this.overlapped - this.region.address) >>> 2;
    let sum = 0;
    for (let word = first; word < first + OVERLAPPED.size / 4; word++) sum = mix(sum, words[word]);
    for (const { region, address, length } of this.lent()) {
      const from = address - region.address;
      const to = from + length;
      // Whole words inside the segment, and the bytes before and behind them.
      const start = (from + 3) >>> 2;
      const end = to >>> 2;
      // Long buffers are sampled: a mark here and there is enough to notice that they were handed to somebody else.
      const stride = length > SAMPLED_FROM ? SAMPLE_STRIDE : 1;
      for (let word = start; word < end; word += stride) sum = mix(sum, region.words[word]);
      for (let byte = from; byte < Math.min(start * 4, to); byte++) sum = mix(sum, region.bytes[byte]);
      for (let byte = Math.max(start, end) * 4; byte < to; byte++) sum = mix(sum, region.bytes[byte]);
    }
    return sum;
  }
}

/** One step of the checksum: FNV-1a, with a word at a time. */
function mix(sum: number, value = 0): number {
  return Math.imul(sum ^ value, 16777619);
}

/** The event that hEvent asks for, with its lowest bit set: one that comes instead of a packet. */
function eventOf(platform: SimulatedProcess, region: Region, overlapped: number): SimulatedEvent | null {
  const hEvent = region.getPointer(overlapped + OVERLAPPED.hEvent);
  if (hEvent === 0) return null;
  const event = platform.handle(hEvent - 1);
  if (hEvent % 2 === 1 && event instanceof SimulatedEvent) return event;
  throw new SimulationError(`hEvent is ${hex(hEvent)}: only an event in the place of packets is simulated`);
}

function sends(kind: IoKind): boolean {
  return kind === 'WSASend' || kind === 'WSASendTo' || kind === 'TransmitFile';
}

/** What one process has lent to the kernel. */
export class Ledger {
  readonly #memory: SimulatedMemory;
  readonly #held = new Map<number, Io>();
  readonly #lenient: boolean;

  /**
   * @param lenient packets may come twice: the second one of an operation may tell of the end of the slot's next one, whose
   * own packet is then the one too many. So what has ended may be lent again before its packet is dequeued.
   */
  constructor(memory: SimulatedMemory, lenient: boolean) {
    this.#memory = memory;
    this.#lenient = lenient;
  }

  /** Operations that the kernel holds. */
  get size(): number {
    return this.#held.size;
  }

  [Symbol.iterator](): Iterator<Io> {
    return this.#held.values();
  }

  /** Checks that an OVERLAPPED can be lent. Returns its region. */
  overlapped(address: number, call: string): Region {
    const region = this.#memory.at(address, OVERLAPPED.size, `${call}: OVERLAPPED`);
    const held = this.#held.get(address);
    if (held !== undefined && this.#lenient && held.done) this.#forget(held);
    else if (held !== undefined) {
      throw new SimulationError(`${call} was given an OVERLAPPED that the kernel still has: ${held.slot}`);
    }
    const first = (address - region.address) >>> 2;
    for (let word = 0; word < OVERLAPPED.size / 4; word++) {
      // Where in the file to begin.
      if (call === 'TransmitFile' && (word === OVERLAPPED.Offset / 4 || word === OVERLAPPED.OffsetHigh / 4)) continue;
      if (call === 'AcceptEx' && word === OVERLAPPED.hEvent / 4) continue;
      if (region.words[first + word] === 0) continue;
      const slot = (address - region.address) / SLOT_SIZE;
      throw new SimulationError(`${call} was given an OVERLAPPED that is not zeroed: slot ${slot}, word ${word}`);
    }
    return region;
  }

  /** Checks that a buffer can be lent. */
  segment(address: number, length: number, call: IoKind): Segment | null {
    if (length === 0) return null; // nothing is lent, and the pointer may be NULL
    const region = this.#memory.at(address, length, `${call}: buffer`);
    const end = address + length;
    for (const io of this.#held.values()) {
      if (this.#lenient && io.done) continue;
      if (address < io.overlapped + OVERLAPPED.size && io.overlapped < end) {
        throw new SimulationError(`${call} was given a buffer that overlaps the OVERLAPPED of ${io.slot}`);
      }
      for (const lent of io.lent()) {
        if (address >= lent.address + lent.length || lent.address >= end) continue;
        // Sending the same bytes twice at a time is fine: nobody writes to them.
        if (sends(call) && sends(io.kind)) continue;
        throw new SimulationError(
          `${call} was given a buffer (${hex(address)}, ${length} bytes) that the kernel still has: ${io.slot}`,
        );
      }
    }
    return { region, address, length };
  }

  /** A port is closed: no operation may be under way on it. */
  closePort(port: CompletionPort): void {
    for (const io of this.#held.values()) {
      if (io.port !== port) continue;
      if (!this.#lenient || !io.done) throw new SimulationError(`The port was closed while the kernel has ${io.slot}`);
      this.#forget(io);
    }
  }

  lend(io: Io): void {
    this.#held.set(io.overlapped, io);
    io.begin();
  }

  /** The library gets an operation back: its packet was dequeued, or its call finished without one. */
  giveBack(io: Io): void {
    if (this.#held.get(io.overlapped) !== io) return; // taken back already, see lenient
    if (!this.#lenient) io.verify();
    this.#forget(io);
  }

  /** Nobody gets packets any more: the status says that an operation is over, and is written before. */
  giveBackDone(): void {
    for (const io of this.#held.values()) if (io.done) this.giveBack(io);
  }

  #forget(io: Io): void {
    this.#held.delete(io.overlapped);
    io.end();
  }
}
