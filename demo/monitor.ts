/** While it runs: a line of progress, and an end when nothing moves any more. */
import type { NetworkPal } from '../src/index.ts';
import type { EchoOptions } from './options.ts';
import { count } from './table.ts';
import type { Tally } from './tally.ts';

/** How often the line is written. */
const INTERVAL_MS = 1000;
/** Silence that means that something hangs: everything here answers within a few seconds, even on a slow machine. */
const STALL_MS = 30_000;
/** Lines of describe() that tell what hangs: the totals and a few sockets. */
const DESCRIBE_LINES = 12;

/**
 * Watches until the returned function is called.
 * @param stalled called when nothing has moved for 30 s, with what the PAL says about its sockets.
 */
export function monitor(
  pal: NetworkPal,
  options: EchoOptions,
  tally: Tally,
  stalled: (report: string) => void,
): () => void {
  const begun = performance.now();
  const total = options.connections * options.messages;
  let lastMessages = 0;
  // The echo of a large message in parts is movement too, and so is a connection on the server's side.
  const position = (): number => {
    const { packets, inlineCompletions } = pal.stats();
    return tally.progress + packets + inlineCompletions;
  };
  let seen = position();
  let movedAt = begun;

  const tick = (): void => {
    const now = performance.now();
    const rate = (tally.messages - lastMessages) / (INTERVAL_MS / 1000);
    lastMessages = tally.messages;
    show(
      `${Math.round((now - begun) / 1000)} s: ${count(tally.connected)} connections, ` +
        `${count(tally.messages)} of ${count(total)} messages, ${count(rate)}/s, ${tally.failures.length} failures`,
    );
    const here = position();
    if (here !== seen) {
      seen = here;
      movedAt = now;
    } else if (now - movedAt >= STALL_MS) {
      stalled(pal.describe().split('\n').slice(0, DESCRIBE_LINES).join('\n'));
    }
  };
  const timer = setInterval(tick, INTERVAL_MS);
  return () => {
    clearInterval(timer);
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  };
}

/** On a terminal the line is written over; in a pipe (also under Wine) one follows the other. */
function show(line: string): void {
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}
