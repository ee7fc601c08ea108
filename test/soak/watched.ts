/** What a soak sees of the process that it is in. */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NetworkPal, NetworkStats } from '../../src/index.ts';
import type { Sample } from './samples.ts';

/** Collections before a sample at rest; finalizers of pinned buffers run in the turns between them. */
const COLLECTIONS = 3;
const FINALIZER_MS = 20;

/** What was garbage is gone afterwards. */
export async function collectGarbage(): Promise<void> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('The soak needs node --expose-gc');
  for (let count = 0; count < COLLECTIONS; count++) {
    collect();
    await sleep(FINALIZER_MS);
  }
}

/** @param about what only the soak itself knows */
export function sampleOf(
  pals: readonly NetworkPal[],
  about: Pick<Sample, 'at' | 'when' | 'handles' | 'sessions'>,
): Sample {
  const all = pals.map((pal) => pal.stats());
  const sum = (figure: (stats: NetworkStats) => number): number => all.reduce((total, one) => total + figure(one), 0);
  const memory = process.memoryUsage();
  return {
    ...about,
    slots: sum(({ slots, freeSlots }) => slots - freeSlots),
    sockets: sum((stats) => stats.sockets),
    pendingCallbacks: sum((stats) => stats.pendingCallbacks),
    queuedBytes: sum((stats) => stats.queuedBytes),
    pinnedBytes: sum((stats) => stats.pinnedBytes),
    reservedBytes: sum((stats) => stats.reservedBytes),
    heapBytes: memory.heapUsed,
    externalBytes: memory.external,
    rssBytes: memory.rss,
  };
}

/** One line for people. */
export function lineOf({ at, sessions, handles, heapBytes, rssBytes }: Sample, more: string): string {
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  return (
    `${at.toFixed(0)} s: ${sessions} sessions, ${more}, ` +
    `${handles} handles, heap ${mib(heapBytes)} MiB, RSS ${mib(rssBytes)} MiB`
  );
}
