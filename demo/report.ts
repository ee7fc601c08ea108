/** The table at the end. */
import type { NetworkStats } from '../src/index.ts';
import type { EchoOptions } from './options.ts';
import { count, table } from './table.ts';
import type { Tally } from './tally.ts';

/** How the run went. All statistics are of one PAL, which has both ends of every connection. */
export interface Outcome {
  options: EchoOptions;
  tally: Tally;
  /** All connections are open and none has sent anything. */
  before: NetworkStats;
  /** The last message has come back. */
  after: NetworkStats;
  connectSeconds: number;
  exchangeSeconds: number;
}

export function report({ options, tally, before, after, connectSeconds, exchangeSeconds }: Outcome): string {
  const connections = Math.max(1, tally.connected);
  const packets = after.packets - before.packets;
  const batches = after.batches - before.batches;
  const milliseconds = [50, 99, 100].map((percentile) => tally.latency(percentile).toFixed(1));
  return table([
    ['connections', `${count(tally.connected)} of ${count(options.connections)}, in ${connectSeconds.toFixed(2)} s`],
    ['messages', `${count(tally.messages)} of ${options.size} bytes, there and back`],
    ['bytes checked', count(tally.bytes)],
    ['rate', `${count(tally.messages / exchangeSeconds)} msg/s`],
    ['latency', `p50 ${milliseconds[0]} ms, p99 ${milliseconds[1]} ms, max ${milliseconds[2]} ms`],
    ['Win32 calls per round trip', callsPerRoundTrip(before, after, tally.messages)],
    [
      'packets per batch',
      batches === 0 ? 'no packets' : `${(packets / batches).toFixed(1)}, ${after.largestBatch} at most`,
    ],
    [
      'pinned memory',
      `${count(before.pinnedBytes)} bytes while idle, ${count(before.pinnedBytes / connections)} per connection`,
    ],
  ]);
}

/** Calls of both ends: the client's send and receive, the server's, and the waits for their packets. */
function callsPerRoundTrip(before: NetworkStats, after: NetworkStats, messages: number): string {
  const made = Object.entries(after.syscalls)
    .map(([name, calls]) => ({ name, calls: calls - (before.syscalls[name] ?? 0) }))
    .filter(({ calls }) => calls >= messages / 200); // less would show as 0.00
  const each = (calls: number): string => (calls / Math.max(1, messages)).toFixed(2);
  const parts = made.sort((a, b) => b.calls - a.calls).map(({ name, calls }) => `${name} ${each(calls)}`);
  return `${each(made.reduce((sum, { calls }) => sum + calls, 0))} (${parts.join(', ')})`;
}
