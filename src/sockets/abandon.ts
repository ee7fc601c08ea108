/**
 * Something threw between the taking of an operation and the Win32 call that it is for: the operation ends nevertheless, in a
 * coming turn, so its call gets exactly one callback, and its slot and its block come back.
 *
 * Who throws? koffi, when it is out of memory, or of the stack that a call has found room in (stack-room.ts); V8, for
 * a user's buffer that has lost its bytes between two looks; a user's Error.prepareStackTrace. None of it happens to working
 * programs, but an operation that is stuck would hold up everything behind it, and the stop, for ever.
 */
import { isRangeError } from '../../ffi/thrown.ts';
import { WSAEFAULT, WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { Context } from '../context/context.ts';
import type { ErrorContext } from '../util/errors.ts';
import { OperationState, type Operation } from '../memory/operation.ts';
import type { SocketRecord } from './socket-record.ts';

/** Ends an operation whose start threw, unless it was started. */
export function abandonOperation(context: Context, record: SocketRecord, operation: Operation, thrown: unknown): void {
  if (operation.state === OperationState.Completed) {
    context.loop.ensureTurn(); // its outcome is on its way, unless it was the asking for a turn that threw
    return;
  }
  if (operation.handedOver) return; // the kernel has it, and only a packet gives it back
  operation.thrown = thrown;
  if (operation.isInKernel) context.transport.forget(record, operation);
  context.loop.completeSynchronously(operation, codeOfThrown(thrown), 0);
}

/** A RangeError is a lack of memory or of stack; of anything else EFAULT says that it did not come from the network. */
export function codeOfThrown(thrown: unknown): number {
  return isRangeError(thrown) ? WSAENOBUFS : WSAEFAULT;
}

/** What a failure comes from, where the system has not failed. */
export function causeOf({ thrown }: Operation): ErrorContext {
  return thrown === null ? {} : { cause: thrown };
}
