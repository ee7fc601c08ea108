/**
 * What the library stands on: the Win32 tables, the time, and a way to wait for packets. The real one is
 * windows-platform.ts; a simulated platform takes its place in tests.
 */
import type { Win32Tables } from '../../ffi/tables.ts';
import type { CompletionPort } from '../iocp/completion-port.ts';

/** Time and turns of the thread that owns the PAL. */
export interface Scheduler {
  /** Monotonic milliseconds. */
  now(): number;
  /** Runs the callback in a later turn of the event loop, which stays alive until then. */
  soon(callback: () => void): void;
  /**
   * Runs the callback once after at least `ms` milliseconds.
   * @param keepsAlive the process lives until then, or until it is taken back. Default false.
   */
  setTimer(ms: number, callback: () => void, keepsAlive?: boolean): TimerHandle;
  /** Takes a timer back; one that has run is left alone. */
  clearTimer(timer: TimerHandle): void;
}

/** What setTimer returns; opaque to the library. */
export type TimerHandle = NodeJS.Timeout | { readonly simulatedTimer: number };

/**
 * Waits for packets while the owner's thread has nothing to do.
 *
 * One waiter at a time: between arm() and the onReady call the port is the waiter's; the rest of the time it is the event
 * loop's, which polls it without waiting. So the port's batch has one writer at a time too.
 */
export interface PortWaiter {
  /** True between arm() and the next onReady. */
  readonly armed: boolean;
  /** Lets the waiter wait. Calls onReady in a later turn once the batch holds packets. */
  arm(): void;
  /** How many packets the waiter put into the batch; they are the caller's now. */
  take(): number;
  /** System calls that it has made to wait, since the last call of this. */
  takeWaits(): number;
  /** Keeps the process alive while waiting. */
  ref(): void;
  /** Lets the process end although it waits. */
  unref(): void;
  /** Ends the waiter; resolves when it does not use the port any more. take() may still have packets then. */
  stop(): Promise<void>;
}

/** The two ways of waiting; see docs/design.md. */
export type WaiterKind = 'worker' | 'inline';

export interface WaiterCallbacks {
  onReady: () => void;
  /** The wait itself failed, which no healthy port or poll set does; nobody waits any more. */
  onFailure: (error: Error) => void;
}

/** What a waiter is made from whose waits run in a thread of its own, or on the owner's thread where there is none. */
export interface WorkerWaiterParts extends WaiterCallbacks {
  /** The waiter thread's program: wait/waiter-program.ts. */
  program: string;
  /** What the thread gets beside the control block. Handles and addresses are numbers, valid in the whole process. */
  data: object;
  /** Called before each wait, to write the backend's own words of the control block. */
  prepare?: (control: Int32Array) => void;
  /** Makes the system call that the thread may be in return. */
  interrupt: () => void;
  /** The same wait on this thread, without waiting. Returns the number of events, 0 for none; throws when it fails. */
  pollOnce: () => number;
  /** The number of events that a thread which has ended had found in its last wait and not reported. */
  recover: () => number;
}

/** What a waiter on a port is made from. */
export interface WaiterParts extends WaiterCallbacks {
  port: CompletionPort;
}

/** What a waiter on an event is made from. */
export interface EventWaiterParts extends WaiterCallbacks {
  /** HANDLE of an auto-reset event. */
  event: number;
}

/** What a descriptor names, as far as sending it matters. */
export interface FileFacts {
  /** Bytes, at this moment. */
  readonly size: number;
  /** A regular file: no directory, pipe or device. */
  readonly regular: boolean;
}

/** What is to be sent: a path, a descriptor, or a FileHandle. */
export type OpenableFile = string | number | OpenedFile;

/** A FileHandle that must still have its descriptor when its turn comes: closed, it has -1, and its number is another file's. */
export interface OpenedFile {
  /** The descriptor, as it was at the call. */
  readonly fd: number;
  /** The caller's. */
  readonly handle: { readonly fd: unknown };
}

/** Files to send from: node:fs, and the HANDLE behind its descriptors. Errors are Node's own (ENOENT, EACCES). */
export interface Files {
  open(path: string, callback: (error: NodeJS.ErrnoException | null, fd: number) => void): void;
  /** Throws Node's error. */
  facts(fd: number): FileFacts;
  /** Reads into memory that must stay until the callback; 0 bytes at the end of the file. */
  read(
    fd: number,
    target: Uint8Array,
    position: number,
    callback: (error: NodeJS.ErrnoException | null, bytes: number) => void,
  ): void;
  /** Throws Node's error. */
  close(fd: number): void;
  /** The HANDLE behind a descriptor, or INVALID_HANDLE_VALUE where there is none to be found. */
  handleOf(fd: number): number;
}

/** The end of the thread that the PAL lives in, where it is announced. */
export interface ThreadEnd {
  /**
   * Calls back when the thread is about to end, and what V8 owns is about to be freed. It is the last moment: no turn of an event
   * loop will come. Returns a function that takes it back. Until then the callback, and what it reaches, is kept.
   */
  watch(callback: () => void): () => void;
  /** Lets about a millisecond pass. */
  pause(): void;
}

/** Tables, time and waiting together. */
export interface Platform extends Win32Tables {
  /** Time and turns. */
  readonly scheduler: Scheduler;
  /** Id of the process that it belongs to. Default: this process. */
  readonly processId?: number;
  /** A number for a PAL that is made on it, 0 … 8191, which its handles carry. Default: the thread counts its PALs. */
  numberPal?(): number;
  /** Makes the waiter of a completion port, which is the port's only one. */
  createWaiter(kind: WaiterKind, parts: WaiterParts): PortWaiter;
  /** Makes the waiter of an event, which is the event's only one: a thread of its own, whatever waits for the port. */
  createEventWaiter(parts: EventWaiterParts): PortWaiter;
  /** Makes a waiter of another backend's own. A platform that has none is for completion ports only. */
  createWorkerWaiter?(parts: WorkerWaiterParts): PortWaiter;
  /** A platform that has none refuses asyncSendFile. */
  readonly files?: Files;
  /**
   * A platform that has none may end at any moment, without notice (a worker thread, by terminate()): memory that V8 owns is
   * not lent to it.
   */
  readonly threadEnd?: ThreadEnd;
  /** Calls back each time nothing keeps the process alive any more. Returns a function that takes it back. */
  onIdle(callback: () => void): () => void;
}
