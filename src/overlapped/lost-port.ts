/**
 * When packets cannot be had any more: GetQueuedCompletionStatusEx has failed, on the waiter thread and on the owner's own.
 *
 * No healthy port does that. Somebody has closed our handle, or the system is at its end. The loop then closes every socket
 * and cancels what is under way. That an operation is over stands in its OVERLAPPED before its packet is queued, so its
 * memory can be told from that which the kernel still has, and comes back without the packet. What is still pending after
 * MAX_LOOKS is left behind: its call is answered, and its memory is kept for as long as the process lives.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-overlapped ("Internal")
 */
import { Win32Error } from '../../ffi/check.ts';
import { OVERLAPPED } from '../../ffi/layouts.ts';
import { ntStatusToWinsockError, STATUS_PENDING } from '../../ffi/ntstatus.ts';
import { ERROR_ABANDONED_WAIT_0, ERROR_INVALID_HANDLE, ERROR_OPERATION_ABORTED } from '../../ffi/wsa-errors.ts';
import type { PortWaiter } from '../platform/platform.ts';
import type { Operation } from '../memory/operation.ts';
import type { BackendParts } from '../context/transport.ts';
import { TimedWaiter } from '../wait/timed-waiter.ts';

/** Looks, a millisecond apart, at operations that were cancelled: they end within the first. */
const MAX_LOOKS = 2000;
/** Where the count of bytes is. */
const BYTES_WORD = OVERLAPPED.InternalHigh / 4;

export class LostPort {
  /** Wakes the loop for the next look. */
  readonly waiter: PortWaiter;
  readonly #parts: BackendParts;
  #looks = 0;
  #leftBehind = false;

  constructor(parts: BackendParts) {
    this.#parts = parts;
    this.waiter = new TimedWaiter(parts.platform.scheduler, () => {
      this.#looks++;
      parts.onReady();
    });
  }

  /** The kernel still has operations. */
  get hasLeftBehind(): boolean {
    return this.#leftBehind;
  }

  /** Finishes the operations that have ended, and at last all of them. */
  look(): void {
    const { operations, completeSynchronously } = this.#parts;
    for (const operation of operations.pending()) {
      if (!operation.isInKernel || finishEnded(this.#parts, operation) || this.#looks < MAX_LOOKS) continue;
      this.#leftBehind = true;
      operations.leaveBehind(operation);
      completeSynchronously(operation, ERROR_OPERATION_ABORTED, 0);
    }
  }
}

/**
 * The wait says that its handle is none any more (ERROR_ABANDONED_WAIT_0: since a moment ago, while it waited). Somebody else has
 * closed it, and its number may be anybody's by now.
 * Source: https://learn.microsoft.com/windows/win32/api/ioapiset/nf-ioapiset-getqueuedcompletionstatus ("Remarks")
 */
export function isHandleGone(error: Error, syscall: string): boolean {
  if (!(error instanceof Win32Error) || error.syscall !== syscall) return false;
  return error.systemErrorCode === ERROR_INVALID_HANDLE || error.systemErrorCode === ERROR_ABANDONED_WAIT_0;
}

/** Finishes an operation of the kernel's if its status says that it is over. Returns false when it is not. */
export function finishEnded({ operations, completeSynchronously }: BackendParts, operation: Operation): boolean {
  const { words } = operations;
  const status = words[operation.word] ?? 0;
  if (status === STATUS_PENDING) return false;
  const error = status === 0 ? 0 : ntStatusToWinsockError(status);
  completeSynchronously(operation, error, words[operation.word + BYTES_WORD] ?? 0);
  return true;
}
