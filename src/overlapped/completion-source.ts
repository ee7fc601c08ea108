/**
 * A completion port as the event loop's source. docs/design.md draws how a packet travels.
 *
 * Who owns what: from the submit on, slot and data buffer are the kernel's, until dispatch() has the packet in
 * hand. The batch is the waiter's between wait() and onReady, and ours otherwise; so it has one writer at a time.
 *
 * A packet carries no NTSTATUS of its own that is documented: the status is read from OVERLAPPED.Internal.
 */
import { OVERLAPPED } from '../../ffi/layouts.ts';
import { ntStatusToWinsockError, STATUS_PENDING } from '../../ffi/ntstatus.ts';
import type { EventSource } from '../loop/event-source.ts';
import type { PortWaiter } from '../platform/platform.ts';
import { OperationState, type Operation } from '../memory/operation.ts';
import type { BackendParts } from '../context/transport.ts';
import { REMOTE_KEY, WAKE_KEY } from '../iocp/completion-key.ts';
import { CompletionPort, ENTRY_WORDS, KEY_WORD, OVERLAPPED_WORD } from '../iocp/completion-port.ts';
import { EventAccepts } from './event-accepts.ts';
import { isHandleGone, LostPort } from './lost-port.ts';
import { RepeatedCancels } from './repeated-cancels.ts';

/** Packets per GetQueuedCompletionStatusEx: what libuv uses; the gain beyond it is within the noise. */
const BATCH_SIZE = 128;

/**
 * Threads that take packets off the port: the loop's own, and the waiter. They take turns, but Windows counts a thread as
 * running from its dequeue until it blocks, and lets no more of them have packets than the port's concurrency value. With
 * 1, a look after the wake-up would find nothing while the waiter is on its way to its next permit, whatever is queued.
 * Source: https://learn.microsoft.com/windows/win32/fileio/i-o-completion-ports ("Threads and Concurrency")
 */
const DEQUEUING_THREADS = 2;

/** Where the count of bytes is, as the operation itself has it and not the packet. */
const BYTES_WORD = OVERLAPPED.InternalHigh / 4;

export class CompletionSource implements EventSource {
  readonly batchSize = BATCH_SIZE;
  readonly port: CompletionPort;
  /** Accepts that complete by an event instead of by a packet. */
  readonly eventAccepts: EventAccepts;
  /** Every CancelIoEx is its. */
  readonly cancels: RepeatedCancels;
  readonly #parts: BackendParts;
  #waiter: PortWaiter;
  /** The wait has failed for good. */
  #lost: LostPort | null = null;
  /** Somebody else has closed the handle, and it may be anything by now. */
  #handleIsGone = false;
  /** The end of the waiter that has failed. */
  #waiterEnd: Promise<void> | null = null;

  /** @throws Win32Error when the system refuses a port; RangeError when it has no memory for the batch. */
  constructor(parts: BackendParts) {
    const { platform, counters } = parts;
    this.#parts = parts;
    this.eventAccepts = new EventAccepts(parts, this.#lose);
    this.cancels = new RepeatedCancels(parts);
    counters.syscalls.CreateIoCompletionPort++;
    this.port = new CompletionPort(platform.kernel32, platform.memory, DEQUEUING_THREADS, BATCH_SIZE);
    try {
      this.#waiter = platform.createWaiter(parts.options.waiter, {
        port: this.port,
        onReady: parts.onReady,
        onFailure: this.#lose,
      });
    } catch (error) {
      this.port.close();
      throw error;
    }
  }

  get wakePort(): number {
    return this.port.handle;
  }

  get waitsHere(): boolean {
    return this.#parts.options.waiter === 'inline';
  }

  get waiting(): boolean {
    return this.#waiter.armed;
  }

  wait(): void {
    this.#waiter.arm();
  }

  take(): number {
    return this.#waiter.take();
  }

  countWaits(): void {
    this.#parts.counters.syscalls.GetQueuedCompletionStatusEx += this.#waiter.takeWaits();
    this.eventAccepts.countWaits();
  }

  ref(): void {
    this.#waiter.ref();
  }

  unref(): void {
    this.#waiter.unref();
  }

  poll(): number {
    if (this.#lost !== null) {
      this.#lost.look();
      return 0;
    }
    this.#parts.counters.syscalls.GetQueuedCompletionStatusEx++;
    try {
      return this.port.dequeue(0);
    } catch (error) {
      this.#lose(error as Error);
      return 0;
    }
  }

  dispatch(index: number): void {
    const { operations, completed } = this.#parts;
    const { entries } = this.port;
    const word = index * ENTRY_WORDS;
    const keyLow = entries[word + KEY_WORD] ?? 0;
    const keyHigh = entries[word + KEY_WORD + 1] ?? 0;
    const addressLow = entries[word + OVERLAPPED_WORD] ?? 0;
    const addressHigh = entries[word + OVERLAPPED_WORD + 1] ?? 0;
    if (addressLow === 0 && addressHigh === 0) return this.#signalled(keyLow, keyHigh);
    const operation = operations.find(addressLow, addressHigh);
    if (operation === null) return this.#drop(`an OVERLAPPED at ${addressHigh}:${addressLow} that is not ours`);
    const { owner } = operation;
    if (!operation.isInKernel || owner === null) return this.#dropUnasked(operation);
    if (owner.keyLow !== keyLow || owner.keyHigh !== keyHigh) return this.#dropMisnamed(operation, keyLow, keyHigh);
    if (!operations.isIntact(operation)) throw overwritten(operation);
    const status = operations.words[operation.word] ?? 0;
    if (status === STATUS_PENDING) return this.#dropEarly(operation);
    operation.state = OperationState.Completed;
    operation.error = status === 0 ? 0 : ntStatusToWinsockError(status);
    operation.bytes = operations.words[operation.word + BYTES_WORD] ?? 0;
    completed(operation);
  }

  async close(): Promise<void> {
    this.cancels.close();
    await this.eventAccepts.close();
    await this.#waiter.stop();
    await this.#waiterEnd;
    this.#checkLeftovers(this.#waiter.take());
    for (let count = this.poll(); count > 0; count = this.poll()) this.#checkLeftovers(count);
    this.#closePort();
  }

  #closePort(): void {
    // What was left behind has its packets to go to.
    if (this.#handleIsGone || this.#lost?.hasLeftBehind === true) return this.port.releaseBatch();
    try {
      this.port.close();
    } catch (error) {
      if (this.#lost === null) throw error;
    }
  }

  /** Nobody can wait for packets any more, or for the event of accepts: the operations themselves are looked at. */
  readonly #lose = (error: Error): void => {
    if (this.#lost !== null) return;
    const { counters, onFailure } = this.#parts;
    this.#handleIsGone = isHandleGone(error, 'GetQueuedCompletionStatusEx');
    const failed = this.#waiter;
    this.#lost = new LostPort(this.#parts);
    this.#waiter = this.#lost.waiter;
    this.#waiterEnd = failed.stop();
    counters.syscalls.GetQueuedCompletionStatusEx += failed.takeWaits();
    onFailure(error);
  };

  /** Only WAKE and REMOTE packets can be left on a port whose operations have all come back. */
  #checkLeftovers(count: number): void {
    for (let index = 0; index < count; index++) {
      const word = index * ENTRY_WORDS + OVERLAPPED_WORD;
      if (this.port.entries[word] !== 0 || this.port.entries[word + 1] !== 0) {
        this.#drop('an operation, after the last one had come back');
      }
    }
  }

  /** A packet without an OVERLAPPED: somebody has posted it. */
  #signalled(keyLow: number, keyHigh: number): void {
    if (keyLow === WAKE_KEY && keyHigh === 0) return;
    if (keyLow === REMOTE_KEY && keyHigh === 0) this.#parts.onRemote();
    else this.#drop(`no OVERLAPPED and the unknown key ${keyHigh}:${keyLow}`);
  }

  #dropUnasked({ index, state }: Operation): void {
    this.#drop(`slot ${index}, which the kernel does not have (state ${state})`);
  }

  #dropMisnamed({ index, owner }: Operation, keyLow: number, keyHigh: number): void {
    this.#drop(`slot ${index} of socket ${owner?.handle} under the key ${keyHigh}:${keyLow}`);
  }

  /** The slot's next operation, which the kernel still has, under the packet of an earlier one. */
  #dropEarly({ index }: Operation): void {
    this.#drop(`slot ${index}, whose operation is still pending`);
  }

  #drop(what: string): void {
    this.#parts.counters.droppedPackets++;
    if (this.#parts.options.strict) throw new Error(`A completion packet was dropped: it names ${what}`);
  }
}

function overwritten({ index }: Operation): Error {
  return new Error(
    `Operation slot ${index} was overwritten in native memory: its generation is gone. ` +
      'Something writes to memory of iocp-pal; please report it',
  );
}
