/**
 * The event loop: takes packets off the port and runs what waits for them.
 *
 * How a packet travels
 *
 *   asyncRead ──► context Submitted ──► WSARecv ──► kernel … packet ──► port
 *                                                                        │
 *        busy: turn() polls the port itself, timeout 0 ◄─────────────────┤
 *        idle: the waiter takes a batch into the mailbox, rings ◄────────┘
 *                                    │
 *   callback ◄── completed(op) ◄── turn(): the context is found by the packet's OVERLAPPED pointer, and believed only
 *                                  if its state, its generation and its socket's key agree
 *
 * A turn runs in its own macrotask: first the mailbox, then what finished without a packet (in order, so that a socket
 * whose calls succeed at once cannot starve the others), then the port, up to MAX_BATCHES_PER_TURN. As long as turns
 * find something, the next one is scheduled with setImmediate, so Node's timers and other sockets get theirs in
 * between. The first turn that finds nothing hands the port to the waiter.
 *
 * Rejected: a poller thread that posts every batch to this thread (measured: 7600 echoes/s where the gate gave 11 700;
 * each batch costs a wake-up); one packet per call (a wait per packet); a posted message per packet.
 */
import { OVERLAPPED_ENTRY } from '../../ffi/layouts.ts';
import { checkBool, checkHandle } from '../../ffi/check.ts';
import { INVALID_HANDLE_VALUE } from '../../ffi/constants.ts';
import { ntStatusToWinsockError } from '../../ffi/ntstatus.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import { WAKE_KEY } from '../iocp/completion-key.ts';
import type { Counters } from './counters.ts';
import { Fifo } from './fifo.ts';
import type { Kernel, Mailbox, PollerKind, PortWaiter } from './kernel.ts';
import { OperationState, type Operation } from './operation.ts';
import type { OperationTable } from './operation-table.ts';

/** Packets per GetQueuedCompletionStatusEx: what libuv uses; the gain beyond it is within the noise. */
export const BATCH_SIZE = 128;
/** Batches per turn: bounds how long timers and other sockets wait, at about a millisecond per batch. */
const MAX_BATCHES_PER_TURN = 8;

/** 32-bit words of an OVERLAPPED_ENTRY and of its members. */
const ENTRY_WORDS = OVERLAPPED_ENTRY.size / 4;
const KEY_WORD = OVERLAPPED_ENTRY.lpCompletionKey / 4;
const OVERLAPPED_WORD = OVERLAPPED_ENTRY.lpOverlapped / 4;
const BYTES_WORD = OVERLAPPED_ENTRY.dwNumberOfBytesTransferred / 4;

/** Something that became ready without a packet, and runs in the next turn. */
export type ReadyTask = () => void;

/** What the loop is made from. */
export interface EventLoopParts {
  kernel: Kernel;
  operations: OperationTable;
  counters: Counters;
  poller: PollerKind;
  /** Called with each completed context. */
  completed: (operation: Operation) => void;
  /** Called after every turn, in a state where nothing is half done. */
  afterTurn: () => void;
  /** Dropped packets throw instead of being counted only. */
  strict: boolean;
}

export class EventLoop {
  readonly port: number;
  readonly #parts: EventLoopParts;
  readonly #kernel: Kernel;
  readonly #counters: Counters;
  readonly #operations: OperationTable;
  readonly #mailbox: Mailbox;
  readonly #entries: Uint32Array;
  readonly #count: Uint32Array;
  readonly #waiter: PortWaiter;
  readonly #ready = new Fifo<Operation | ReadyTask>();
  /** The batch that is being dispatched: a throwing callback leaves the rest for the next turn. */
  #next = 0;
  #filled = 0;
  #scheduled = false;
  #inTurn = false;
  #active = false;
  #holds = 0;
  #holding = true;

  /** @throws Win32Error when the system refuses a port; RangeError when it has no memory for the mailbox. */
  constructor(parts: EventLoopParts) {
    const { kernel, counters } = parts;
    this.#parts = parts;
    this.#kernel = kernel;
    this.#counters = counters;
    this.#operations = parts.operations;
    counters.calls.CreateIoCompletionPort++;
    // One thread dequeues at a time, so the port's concurrency is 1.
    const port = kernel.kernel32.CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, 1);
    this.port = checkHandle(port, kernel.kernel32, 'CreateIoCompletionPort');
    const entriesSize = BATCH_SIZE * OVERLAPPED_ENTRY.size;
    const region = kernel.memory.allocate(entriesSize + Uint32Array.BYTES_PER_ELEMENT);
    if (region === null) throw new RangeError(`Cannot take ${entriesSize} bytes for the mailbox: out of memory`);
    this.#mailbox = { region, capacity: BATCH_SIZE, countAddress: region.address + entriesSize };
    this.#entries = new Uint32Array(region.buffer, 0, entriesSize / Uint32Array.BYTES_PER_ELEMENT);
    this.#count = new Uint32Array(region.buffer, entriesSize, 1);
    this.#waiter = kernel.createWaiter(parts.poller, {
      port: this.port,
      mailbox: this.#mailbox,
      onReady: this.#doorbell,
      onFailure: (error) => {
        throw error;
      },
    });
    this.#syncHold();
  }

  /** Nothing is queued to run. */
  get isQuiet(): boolean {
    return this.#ready.length === 0 && this.#next === this.#filled;
  }

  /** Starts running turns. */
  activate(): void {
    this.#active = true;
    this.#syncHold();
    this.#schedule();
  }

  /** Runs `task` in a coming turn, after everything that is ready already. */
  enqueue(task: ReadyTask): void {
    this.#ready.push(task);
    this.#schedule();
  }

  /**
   * A context whose call finished without a packet: its outcome is delivered in a coming turn, in order.
   * @param error Winsock error code, 0 for success.
   */
  finishInline(operation: Operation, error: number, bytes: number): void {
    operation.state = OperationState.Completed;
    operation.error = error;
    operation.bytes = bytes;
    this.#counters.inlineCompletions++;
    this.#ready.push(operation);
    this.#schedule();
  }

  /** One more thing that must keep the process alive. */
  hold(): void {
    this.#holds++;
    if (this.#holds === 1 && !this.#inTurn) this.#syncHold();
  }

  /** One thing less. */
  release(): void {
    this.#holds--;
    if (this.#holds === 0 && !this.#inTurn) this.#syncHold();
  }

  /** Something keeps the process alive. */
  get isHeld(): boolean {
    return this.#holds > 0;
  }

  /** Ends the loop: takes the port back from the waiter, drops what is left on it, closes it. */
  async close(): Promise<void> {
    this.#active = false;
    await this.#waiter.stop();
    this.#waiter.take();
    // Only WAKE packets can be left: the caller has seen every operation come back.
    while (this.#poll() > 0) this.#checkLeftovers();
    checkBool(this.#kernel.kernel32.CloseHandle(this.port), this.#kernel.kernel32, 'CloseHandle');
    this.#kernel.memory.release(this.#mailbox.region.address);
  }

  readonly #doorbell = (): void => {
    this.#counters.doorbells++;
    this.#run();
  };

  readonly #turn = (): void => {
    this.#scheduled = false;
    this.#run();
  };

  #run(): void {
    if (!this.#active || this.#inTurn) return;
    let busy = true;
    this.#inTurn = true;
    try {
      busy = this.#work();
    } finally {
      // Also after a callback threw: what is left must not wait for the next packet.
      this.#inTurn = false;
      this.#syncHold();
      if (busy || !this.isQuiet) this.#schedule();
      else if (!this.#waiter.armed) this.#waiter.arm();
    }
    this.#parts.afterTurn();
  }

  /** Returns true when it found anything to do. */
  #work(): boolean {
    let found = this.#next < this.#filled;
    this.#dispatchBatch();
    const arrived = this.#waiter.take();
    if (arrived > 0) {
      found = true;
      this.#beginBatch(arrived);
      this.#dispatchBatch();
    }
    // Only what is there now: what it makes ready waits for the next turn, behind everybody else.
    for (let left = this.#ready.length; left > 0; left--) {
      found = true;
      const item = this.#ready.shift();
      if (typeof item === 'function') item();
      else if (item !== undefined) this.#parts.completed(item);
    }
    if (this.#waiter.armed) return found;
    for (let batch = 0; batch < MAX_BATCHES_PER_TURN; batch++) {
      const count = this.#poll();
      if (count === 0) break;
      found = true;
      this.#beginBatch(count);
      this.#dispatchBatch();
      if (count < BATCH_SIZE) break;
    }
    return found;
  }

  /** Takes a batch off the port without waiting. Returns the number of packets. */
  #poll(): number {
    this.#counters.calls.GetQueuedCompletionStatusEx++;
    const { region, capacity, countAddress } = this.#mailbox;
    const kernel32 = this.#kernel.kernel32;
    const ok = kernel32.GetQueuedCompletionStatusEx(this.port, region.address, capacity, countAddress, 0, 0);
    // The count means nothing unless the call returned TRUE.
    if (ok !== 0) return this.#count[0] ?? 0;
    if (kernel32.GetLastError() !== WAIT_TIMEOUT) checkBool(0, kernel32, 'GetQueuedCompletionStatusEx');
    return 0;
  }

  #beginBatch(count: number): void {
    this.#next = 0;
    this.#filled = count;
    this.#counters.packets += count;
    this.#counters.batches++;
    if (count > this.#counters.largestBatch) this.#counters.largestBatch = count;
  }

  #dispatchBatch(): void {
    while (this.#next < this.#filled) {
      const word = this.#next * ENTRY_WORDS;
      this.#next++;
      this.#dispatch(word);
    }
  }

  #dispatch(word: number): void {
    const entries = this.#entries;
    const keyLow = entries[word + KEY_WORD] ?? 0;
    const keyHigh = entries[word + KEY_WORD + 1] ?? 0;
    const addressLow = entries[word + OVERLAPPED_WORD] ?? 0;
    const addressHigh = entries[word + OVERLAPPED_WORD + 1] ?? 0;
    if (addressLow === 0 && addressHigh === 0) {
      if (keyLow === WAKE_KEY && keyHigh === 0) return;
      this.#drop(`no OVERLAPPED and the unknown key ${keyHigh}:${keyLow}`);
      return;
    }
    const operation = this.#operations.find(addressLow, addressHigh);
    if (operation === null) {
      this.#drop(`an OVERLAPPED at ${addressHigh}:${addressLow} that is not ours`);
      return;
    }
    const owner = operation.owner;
    if (!operation.isInKernel || owner === null) {
      this.#drop(`slot ${operation.index}, which the kernel does not have (state ${operation.state})`);
      return;
    }
    if (owner.keyLow !== keyLow || owner.keyHigh !== keyHigh) {
      this.#drop(`slot ${operation.index} of socket ${owner.handle} under the key ${keyHigh}:${keyLow}`);
      return;
    }
    if (!this.#operations.isIntact(operation)) {
      throw new Error(
        `Operation slot ${operation.index} was overwritten in native memory: its generation is gone. ` +
          'Something writes to memory of iocp-pal; please report it',
      );
    }
    const status = this.#operations.words[operation.word] ?? 0;
    operation.state = OperationState.Completed;
    operation.error = status === 0 ? 0 : ntStatusToWinsockError(status);
    operation.bytes = entries[word + BYTES_WORD] ?? 0;
    this.#parts.completed(operation);
  }

  #drop(what: string): void {
    this.#counters.droppedPackets++;
    if (this.#parts.strict) throw new Error(`A completion packet was dropped: it names ${what}`);
  }

  #checkLeftovers(): void {
    for (let index = 0; index < (this.#count[0] ?? 0); index++) {
      const word = index * ENTRY_WORDS;
      if (this.#entries[word + OVERLAPPED_WORD] !== 0 || this.#entries[word + OVERLAPPED_WORD + 1] !== 0) {
        this.#drop('an operation, after the last one had come back');
      }
    }
  }

  #schedule(): void {
    if (this.#scheduled || !this.#active) return;
    this.#scheduled = true;
    this.#kernel.scheduler.soon(this.#turn);
  }

  /** Turns the count of holds into the waiter's ref; in a turn only its end counts. */
  #syncHold(): void {
    const wanted = this.#holds > 0 && this.#active;
    if (wanted === this.#holding) return;
    this.#holding = wanted;
    if (wanted) this.#waiter.ref();
    else this.#waiter.unref();
  }
}
