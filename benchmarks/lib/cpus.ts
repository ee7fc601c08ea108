/** Which CPUs the two sides run on. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isOnPath } from '../../scripts/bed/debian-packages.mjs';

/** CPU numbers as taskset takes them. */
export interface CpuPlan {
  /** For the server and, under Wine, the wineserver: each call is a round trip between the two. */
  server: string;
  /** For the load. */
  client: string;
}

/** One CPU for each side, or null where there are not two of them or no taskset. */
export function planCpus(): CpuPlan | null {
  if (process.platform !== 'linux' || !isOnPath('taskset')) return null;
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const [server, client] = list.split(',').flatMap(expandRange);
  return server === undefined || client === undefined ? null : { server: String(server), client: String(client) };
}

/** Ties this process, with all its threads, to a CPU. */
export function pinThisProcess(cpu: string): void {
  spawnSync('taskset', ['-acp', cpu, String(process.pid)], { stdio: 'ignore' });
}

/** '2-4' → [2, 3, 4]. */
function expandRange(range: string): number[] {
  const [first = NaN, last = first] = range.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
