/**
 * Calls that an AbortSignal can end. However many of them share a signal, also of different PALs, it has one listener of
 * ours, and none while no call waits: signals live longer than calls, and what listens to them is kept by them.
 *
 * The calls of a signal are linked by their limits, so that each begins and ends in O(1) and nothing is allocated for it.
 */
import { requireStack } from '../util/stack-room.ts';
import type { CallLimits } from './pending-call.ts';

/** The calls of one signal, in the order of their beginning. */
export interface SignalCalls {
  readonly signal: AbortSignal;
  first: CallLimits | null;
  last: CallLimits | null;
}

/** Resolved: what is chained to it runs as a microtask (no timer of a test runner stands in for those). */
const AT_ONCE = Promise.resolve();
/** Groups that have calls. By the signal, and only while it lives. */
const groups = new WeakMap<AbortSignal, SignalCalls & { readonly aborted: () => void }>();

/** From now on the signal takes the call back. The limits have it and their `pendingCalls`. */
export function watchSignal(call: CallLimits, signal: AbortSignal): void {
  let group = groups.get(signal);
  if (group === undefined) {
    const aborted = (): void => cancelAll(signal);
    group = { signal, first: null, last: null, aborted };
    groups.set(signal, group);
    try {
      signal.addEventListener('abort', aborted, { once: true });
    } catch (error) {
      // Nobody listens: the next call of this signal has to.
      if (group.first === null && groups.get(signal) === group) groups.delete(signal);
      throw error;
    }
  }
  call.signalCalls = group;
  call.beforeOfSignal = group.last;
  if (group.last === null) group.first = call;
  else group.last.afterOfSignal = call;
  group.last = call;
}

/** The call has ended, or is being taken back: its signal is not its business any more. */
export function unwatchSignal(call: CallLimits): void {
  const group = call.signalCalls;
  if (group === null) return;
  const { beforeOfSignal: before, afterOfSignal: after } = call;
  if (before === null) group.first = after;
  else before.afterOfSignal = after;
  if (after === null) group.last = before;
  else after.beforeOfSignal = before;
  call.signalCalls = null;
  call.beforeOfSignal = null;
  call.afterOfSignal = null;
  if (group.first !== null) return;
  const known = groups.get(group.signal);
  if (known !== group) return; // aborted
  // Behind what runs now: a signal may be the caller's own code, and the end of a call is no place for that.
  void AT_ONCE.then(() => {
    if (known.first !== null || groups.get(known.signal) !== known) return;
    groups.delete(known.signal);
    known.signal.removeEventListener('abort', known.aborted);
  });
}

function cancelAll(signal: AbortSignal): void {
  try {
    requireStack();
  } catch {
    // What throws here would be heard by nobody who has to do with these calls.
    void AT_ONCE.then(() => cancelAll(signal));
    return;
  }
  const group = groups.get(signal);
  if (group === undefined) return;
  groups.delete(signal);
  // One at a time off the list: taking one back may end others, which then leave it by themselves.
  for (let call = group.first; call !== null; call = group.first) {
    unwatchSignal(call);
    call.pendingCalls?.abort(call);
  }
}
