/** One pending call as inspect() shows it: what all kinds of calls have in common. */
import type { RequestDescription } from '../pal/pal-description.ts';
import type { PendingCall } from './pending-call.ts';
import { originOf } from './socket-record.ts';

/** A call that may know where it was made. */
type DescribedCall = PendingCall & { readonly origin?: Error | undefined };

/**
 * @param bytes asked for, see RequestDescription
 * @param done bytes of them that are done
 * @param now scheduler milliseconds
 */
export function describeRequest(
  call: DescribedCall,
  kind: RequestDescription['kind'],
  bytes: number,
  done: number,
  now: number,
): RequestDescription {
  const { limits } = call;
  const timeLeftMs = limits?.timeLeft(now) ?? null;
  const hasSignal = limits !== null && limits.signal !== null;
  return { kind, bytes, done, timeLeftMs, hasSignal, ...originOf(call) };
}
