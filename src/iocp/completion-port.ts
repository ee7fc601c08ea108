/**
 * An I/O completion port, and nothing else: what Windows has, on the tables of `ffi`.
 *
 * A port is a queue in the kernel. A socket (any file handle) is *associated* with it once and for all, under a number of our
 * choice, the *completion key*. From then on a call on that socket can be *overlapped*: it takes an OVERLAPPED, a 32-byte
 * struct of ours that stands for this one operation, and returns at once, usually with ERROR_IO_PENDING (997). When the
 * operation is over, the kernel writes its status and its count of bytes into the OVERLAPPED and queues one *packet*, which
 * says: key (which socket), OVERLAPPED (which operation), bytes. A call that fails at once with any other error queues none;
 * one that succeeds at once queues one, unless the socket was told not to (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS).
 *
 * Readiness (epoll, WSAPoll) says that a call would not block; a port says that a call has been done. So the buffer is named
 * before the data comes, and **memory changes hands**: from the call until its packet is taken off the port, OVERLAPPED and
 * buffers are the kernel's. They must not move, nor be freed, nor be used again: also after CancelIoEx, which only asks; also
 * after closesocket. The packet is the receipt. V8 moves and frees what it likes: what the kernel gets is from VirtualAlloc.
 *
 * **Entries.** A packet is handed over as an OVERLAPPED_ENTRY of 32 bytes. GetQueuedCompletionStatusEx fills an array of them,
 * so that one call serves many sockets: under load that is most of what a port saves. The array is a *batch*: it has one
 * writer at a time, whoever is in dequeue().
 *
 * **One waiter.** Any number of threads may wait on a port; Windows lets `threads` of them run at a time and counts a thread
 * as running from its dequeue until it blocks. JavaScript of one thread can handle one batch at a time, so one waits: this
 * thread, without waiting, while it is busy, or another one in its place while there is nothing (../wait).
 * postPacket() queues a packet without an operation, which is how a thread that waits is woken.
 *
 * Drawings: docs/completion-ports.md. A server on this file and ffi alone: docs/examples/iocp-from-scratch.ts.
 * Source: https://learn.microsoft.com/windows/win32/fileio/i-o-completion-ports
 */
import { checkBool, checkHandle, Win32Error } from '../../ffi/check.ts';
import { INVALID_HANDLE_VALUE } from '../../ffi/constants.ts';
import type { Kernel32 } from '../../ffi/kernel32.ts';
import { OVERLAPPED_ENTRY } from '../../ffi/layouts.ts';
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';

/** 32-bit words of an OVERLAPPED_ENTRY, and where its members begin. Pointers and keys have two, the lower half first. */
export const ENTRY_WORDS = OVERLAPPED_ENTRY.size / 4;
export const KEY_WORD = OVERLAPPED_ENTRY.lpCompletionKey / 4;
export const OVERLAPPED_WORD = OVERLAPPED_ENTRY.lpOverlapped / 4;

export class CompletionPort {
  readonly handle: number;
  /** OVERLAPPED_ENTRY[capacity], and behind it the ULONG for how many were filled. */
  readonly batch: NativeRegion;
  /** The entries that dequeue() filled, as words: see ENTRY_WORDS. */
  readonly entries: Uint32Array;
  /** Address of that ULONG. */
  readonly countAddress: number;
  /** Packets per dequeue() at most. */
  readonly capacity: number;
  readonly #count: Uint32Array;
  readonly #kernel32: Kernel32;
  readonly #memory: NativeMemory;

  /**
   * @param threads how many of those that dequeue may run at a time; 0 for as many as there are CPUs
   * @throws Win32Error when the system refuses a port; RangeError when it has no memory for the batch
   */
  constructor(kernel32: Kernel32, memory: NativeMemory, threads: number, capacity: number) {
    const size = capacity * OVERLAPPED_ENTRY.size;
    const batch = memory.allocate(size + Uint32Array.BYTES_PER_ELEMENT);
    if (batch === null) throw new RangeError(`Cannot take ${size} bytes for a batch of packets: out of memory`);
    this.#kernel32 = kernel32;
    this.#memory = memory;
    this.capacity = capacity;
    this.batch = batch;
    this.countAddress = batch.address + size;
    this.entries = new Uint32Array(batch.buffer, 0, size / Uint32Array.BYTES_PER_ELEMENT);
    this.#count = new Uint32Array(batch.buffer, size, 1);
    try {
      const handle = kernel32.CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, threads);
      this.handle = checkHandle(handle, kernel32, 'CreateIoCompletionPort');
    } catch (error) {
      this.releaseBatch();
      throw error;
    }
  }

  /** Lets the packets of a SOCKET's operations come here, with this key: for good. @throws Win32Error */
  associate(socket: number, key: number): void {
    const result = this.#kernel32.CreateIoCompletionPort(socket, this.handle, key, 0);
    checkHandle(result, this.#kernel32, 'CreateIoCompletionPort');
  }

  /**
   * Waits until there are packets, and takes what is there. Returns their number, 0 when the time is over.
   * @param milliseconds 0 to look without waiting
   * @throws Win32Error
   */
  dequeue(milliseconds: number): number {
    const { batch, capacity, countAddress, handle } = this;
    const kernel32 = this.#kernel32;
    const ok = kernel32.GetQueuedCompletionStatusEx(handle, batch.address, capacity, countAddress, milliseconds, 0);
    // The count means nothing unless the call returned TRUE.
    if (ok !== 0) return this.#count[0] ?? 0;
    const code = kernel32.GetLastError();
    if (code !== WAIT_TIMEOUT) throw new Win32Error('GetQueuedCompletionStatusEx', code);
    return 0;
  }

  /** Closes the port. Packets that are still in it are lost, so whose memory they are receipts for has to be kept. @throws Win32Error */
  close(): void {
    this.releaseBatch();
    checkBool(this.#kernel32.CloseHandle(this.handle), this.#kernel32, 'CloseHandle');
  }

  /** Gives back the memory of the batch only: of a port whose handle is somebody else's by now, or still has packets to take. */
  releaseBatch(): void {
    this.#memory.release(this.batch.address);
  }
}

type Poster = Pick<Kernel32, 'PostQueuedCompletionStatus' | 'GetLastError'>;

/** Queues a packet of our own, without an operation, from any thread that knows the port's HANDLE. @throws Win32Error */
export function postPacket(kernel32: Poster, port: number, key: number): void {
  if (kernel32.PostQueuedCompletionStatus(port, 0, key, 0) !== 0) return;
  throw new Win32Error('PostQueuedCompletionStatus', kernel32.GetLastError());
}
