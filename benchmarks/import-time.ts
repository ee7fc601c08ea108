/**
 * What it takes to load iocp-pal/net as it is published, each time in a new process, beside node:net and the library alone.
 * `npm run build`, then `npm run wine -- benchmarks/import-time.ts` (on Windows, or for another system's figures: node benchmarks/import-time.ts).
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROUNDS = 20;

const published = (entry: string): string => fileURLToPath(new URL(`../dist/src/${entry}`, import.meta.url));
const modules = {
  'node:net': 'node:net',
  'iocp-pal': published('index.cjs'),
  'iocp-pal/net': published('net/index.cjs'),
};
if (!existsSync(modules['iocp-pal/net']))
  throw new Error('Cannot load dist/src/net/index.cjs: run `npm run build` first');

/** Milliseconds: by the clock, and of the processor, which others cannot slow down as much. */
type Costs = readonly [wall: number, processor: number];

function load(module: string): Costs {
  const program = `
    const { cpuUsage } = process;
    const [before, begun] = [cpuUsage(), performance.now()];
    require(${JSON.stringify(module)});
    const wall = performance.now() - begun;
    const { user, system } = cpuUsage(before);
    console.log(JSON.stringify([wall, (user + system) / 1000]));`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`Cannot load ${module}: ${stderr}`);
  return JSON.parse(stdout) as Costs;
}

const median = (values: readonly number[]): string =>
  ([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(1);

const all = new Map(Object.keys(modules).map((name) => [name, [] as Costs[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, module] of Object.entries(modules)) all.get(name)?.push(load(module));
}
for (const [name, costs] of all) {
  const walls = costs.map(([wall]) => wall);
  console.log(
    `${name}: ${median(walls)} ms (${Math.min(...walls).toFixed(1)} at best), ${median(costs.map(([, cpu]) => cpu))} ms of the processor`,
  );
}
