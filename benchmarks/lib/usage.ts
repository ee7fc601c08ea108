/** What a server used while something ran. */
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
