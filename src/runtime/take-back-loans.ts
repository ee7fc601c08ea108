/** Before a thread ends, what the kernel has of V8's memory is taken back (windows/thread-end.ts says when). */
import { STATUS_PENDING } from '../../ffi/ntstatus.ts';
import type { Context } from '../context/context.ts';
import type { Operation } from '../memory/operation.ts';

/** Pauses of a millisecond that the end of a process waits for cancelled operations at most; they end within the first. */
const TAKE_BACK_PAUSES = 2000;

/**
 * Takes back what V8 owns and the kernel has: cancels those operations and waits until they have ended. Their packets are
 * nobody's any more: that an operation is over is written in its slot before, wherever its packet goes.
 */
export function takeBackLoans(context: Context): void {
  context.pinned.stopLending();
  context.viewBlocks.stopLending();
  if (!context.transport.keepsBuffers) return;
  const pending: Operation[] = [];
  for (const operation of context.operations.pending()) {
    const { lent, owner } = operation;
    if (lent === null || owner === null || !operation.isInKernel) continue;
    pending.push(operation);
  }
  for (let pauses = 0; pauses < TAKE_BACK_PAUSES; pauses++) {
    if (!cancelPending(context, pending)) return;
    context.platform.threadEnd?.pause();
  }
}

/** Cancels those that are not over yet, again and again: a cancel can come too early. Returns false when all are. */
function cancelPending(context: Context, operations: readonly Operation[]): boolean {
  const { words } = context.operations;
  let isAny = false;
  for (const { word, owner, address } of operations) {
    if (words[word] !== STATUS_PENDING || owner === null) continue;
    isAny = true;
    context.counters.syscalls.CancelIoEx++;
    context.platform.kernel32.CancelIoEx(owner.socket, address);
  }
  return isAny;
}
