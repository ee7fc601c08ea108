/** What a server, and those around it, used while something ran. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Measurement } from './scenario.ts';
import type { ServerProcess } from './server-process.ts';

/** Runs `work` and tells what the server's process spent on it. */
export async function withUsage(
  server: ServerProcess,
  work: () => Promise<void>,
): Promise<Pick<Measurement, 'serverCpuSeconds' | 'rssBytes'>> {
  const before = await server.usage();
  await work();
  const after = await server.usage();
  return { serverCpuSeconds: after.cpuSeconds - before.cpuSeconds, rssBytes: after.rssBytes };
}

/** The same, with what the load (this process) and the wineserver spent. */
export async function withUsageOfAll(
  server: ServerProcess,
  work: () => Promise<void>,
): Promise<Pick<Measurement, 'serverCpuSeconds' | 'rssBytes' | 'loadCpuSeconds' | 'wineserverCpuSeconds'>> {
  const wineserver = wineserverSeconds();
  const load = process.cpuUsage();
  const usage = await withUsage(server, work);
  const { user, system } = process.cpuUsage(load);
  const now = wineserverSeconds();
  return {
    ...usage,
    loadCpuSeconds: (user + system) / 1e6,
    wineserverCpuSeconds: now === null || wineserver === null ? null : now - wineserver,
  };
}

/** In /proc CPU time is in ticks, of which Linux has a hundred a second on every machine that Wine runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time so far of the wineserver of this prefix; null where there is none. */
function wineserverSeconds(): number | null {
  if (process.platform !== 'linux') return null;
  const prefix = `WINEPREFIX=${process.env['WINEPREFIX'] ?? ''}`;
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${id}/comm`, 'utf8').startsWith('wineserver')) continue;
      if (!readFileSync(`/proc/${id}/environ`, 'utf8').split('\0').includes(prefix)) continue;
      const fields = readFileSync(`/proc/${id}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    } catch {
      // it has ended, or is somebody else's
    }
  }
  return null;
}
