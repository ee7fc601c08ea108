/** What a server tells of its limits. */
import type { AcceptLimit } from '../../pal/server-options.ts';
import type { Context } from '../../context/context.ts';
import type { Listener } from './listener.ts';

/** A connection was beyond a limit. */
export function refusedBy(context: Context, listener: Listener, limit: AcceptLimit, address: string): void {
  context.counters.refused++;
  notifyLimit(context, listener, limit, true, address);
}

export function notifyLimit(
  context: Context,
  { onLimit, limits }: Listener,
  reason: AcceptLimit,
  refused: boolean,
  address: string,
): void {
  if (onLimit === undefined) return;
  const event = { reason, refused, address, connections: limits.open };
  context.loop.enqueue(() => onLimit(event));
}
