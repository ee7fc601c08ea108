/**
 * All operations of one PAL: one slab of native memory, taken once, and the Operation objects that belong to its
 * slots. Objects are made when a slot is first used and reused for ever: a completion allocates nothing.
 *
 * take() and release() are the one place that counts what a socket has in flight, which its close waits for, and release()
 * is where an operation's block goes back.
 */
import { STATUS_SUCCESS } from '../../ffi/ntstatus.ts';
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';
import type { BlockPool } from './block-pool.ts';
import { SLOT, SLOT_SIZE, Operation, OperationKind, OperationState, type OperationOwner } from './operation.ts';
import { TWO_32 } from '../util/bytes.ts';

/** Buffers of users that a kernel was lent and has not given back: V8 must not free them. */
const keptForKernel = new Set<NonNullable<Operation['lent']>>();

export class OperationTable {
  readonly capacity: number;
  /** The whole slab, as 32-bit words. */
  readonly words: Uint32Array;
  /** Operations taken and not released, by kind. */
  readonly inUse: number[] = Object.values(OperationKind).map(() => 0);
  readonly #memory: NativeMemory;
  readonly #blocks: BlockPool;
  readonly #region: NativeRegion;
  readonly #doubles: Float64Array;
  readonly #operations: Operation[] = [];
  readonly #free: Operation[] = [];
  /** Nobody knows when the kernel will be done with these: their memory is kept, and their slots are never used again. */
  readonly #leftBehind = new Set<Operation>();
  /** Those of them that have been released. */
  #lost = 0;

  /** @param capacity operations, at least 1. Throws RangeError when the system has no memory for them. */
  constructor(memory: NativeMemory, capacity: number, blocks: BlockPool) {
    const region = memory.allocate(capacity * SLOT_SIZE);
    if (region === null) {
      throw new RangeError(`Cannot take ${capacity * SLOT_SIZE} bytes for ${capacity} operations: lower maxOperations`);
    }
    this.#memory = memory;
    this.#blocks = blocks;
    this.#region = region;
    this.capacity = capacity;
    this.words = new Uint32Array(region.buffer);
    this.#doubles = new Float64Array(region.buffer);
  }

  get used(): number {
    return this.#operations.length - this.#free.length - this.#lost;
  }

  get free(): number {
    return this.capacity - this.used - this.#lost;
  }

  get byteLength(): number {
    return this.#region.buffer.byteLength;
  }

  /** Takes an operation with a zeroed OVERLAPPED, or null when all are in use. */
  take(kind: OperationKind, owner: OperationOwner): Operation | null {
    const operation = this.#free.pop() ?? this.#make();
    if (operation === null) return null;
    operation.kind = kind;
    operation.owner = owner;
    this.inUse[kind] = (this.inUse[kind] ?? 0) + 1;
    owner.inFlight++;
    this.reset(operation);
    return operation;
  }

  /** Readies an operation for another call of the same kind and owner. */
  reset(operation: Operation): void {
    operation.state = OperationState.Prepared;
    operation.generation = (operation.generation + 1) & 0x3fffffff;
    operation.bytes = 0;
    operation.error = 0;
    operation.handedOver = false;
    operation.thrown = null;
    this.words[operation.word + SLOT.GENERATION / 4] = operation.generation;
    const first = operation.word / 2;
    const doubles = this.#doubles;
    doubles[first] = 0;
    doubles[first + 1] = 0;
    doubles[first + 2] = 0;
    doubles[first + 3] = 0;
  }

  /** Gives an operation and its block back. The kernel must be done with them. */
  release(operation: Operation): void {
    if (operation.isInKernel || operation.state === OperationState.Free) throw releasedTooEarly(operation);
    this.inUse[operation.kind] = (this.inUse[operation.kind] ?? 0) - 1;
    this.giveBuffers(operation);
    if (operation.owner !== null) operation.owner.inFlight--;
    operation.state = OperationState.Free;
    operation.owner = null;
    operation.thrown = null; // whoever it comes from is kept no longer
    operation.acceptSocket = -1;
    operation.datagram = null;
    operation.held = false;
    if (this.#leftBehind.size > 0 && this.#leftBehind.has(operation)) this.#lost++;
    else this.#free.push(operation);
  }

  /** Gives an operation's block back and forgets the user's buffers. The kernel must be done with them. */
  giveBuffers(operation: Operation): void {
    if (operation.block !== null) this.#blocks.give(operation.block);
    operation.block = null;
    operation.lent = null;
  }

  /** Work that is no operation, such as the reading of a file: a close of the socket waits for it nevertheless. */
  beginWork(owner: OperationOwner): void {
    owner.inFlight++;
  }

  /** It has ended. */
  endWork(owner: OperationOwner): void {
    owner.inFlight--;
  }

  /**
   * The kernel has it, and nobody will learn when it is done: its owner gets a failure, and its memory is
   * kept for as long as the process lives.
   */
  leaveBehind(operation: Operation): void {
    this.#leftBehind.add(operation);
    operation.block = null; // never given back
    if (operation.lent !== null) keptForKernel.add(operation.lent);
  }

  /** The system has carried it out with success, and its packet is still to come. */
  hasSucceeded({ isInKernel, word }: Operation): boolean {
    return isInKernel && this.words[word] === STATUS_SUCCESS;
  }

  /** The operation at an OVERLAPPED's address, given in two halves, or null when there is none. */
  find(addressLow: number, addressHigh: number): Operation | null {
    const index = (addressHigh * TWO_32 + addressLow - this.#region.address) / SLOT_SIZE;
    return this.#operations[index] ?? null;
  }

  /** True when the slot in memory still carries the generation that was submitted. */
  isIntact(operation: Operation): boolean {
    return this.words[operation.word + SLOT.GENERATION / 4] === operation.generation;
  }

  /** Writes one WSABUF of an operation. */
  setSegment(operation: Operation, segment: number, address: number, length: number): void {
    const { words } = this;
    const word = operation.word + SLOT.WSABUFS / 4 + segment * 4;
    words[word] = length;
    words[word + 2] = address; // modulo 2^32
    words[word + 3] = address / TWO_32;
  }

  /** Operations that are not free, for describe() and for leak reports. */
  *pending(): Iterable<Operation> {
    for (const operation of this.#operations) if (operation.state !== OperationState.Free) yield operation;
  }

  /** Cancels nothing and waits for nothing: gives the slab back when no operation is in the kernel, else leaks it. */
  dispose(): void {
    if (this.#lost > 0) return;
    for (const operation of this.#operations) if (operation.isInKernel) return;
    this.#memory.release(this.#region.address);
  }

  #make(): Operation | null {
    const index = this.#operations.length;
    if (index === this.capacity) return null;
    const operation = new Operation(index, this.#region.address + index * SLOT_SIZE);
    this.#operations.push(operation);
    return operation;
  }
}

function releasedTooEarly({ index, state }: Operation): Error {
  return new Error(
    `Operation slot ${index} released in state ${state}: only a packet or a failed call frees it. ` +
      'This is a bug in iocp-pal; please report it',
  );
}
