/**
 * npm run bench -- many-idle many-abusers: what a server does for some while very many others hold connections.
 *
 * - 10 000 idle connections and 1000 busy ones in one process, with the defaults.
 * - 100 good clients alone, and then among 10 000 that mean no good (load/abusers.ts), on the echo server with limits.
 *
 * The clients are in this process, the server is in its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CpuPlan } from '../lib/cpus.ts';
import { progress } from '../lib/progress.ts';
import { ServerProcess } from '../lib/server-process.ts';
import { show } from '../lib/table.ts';
import { Abusers } from '../load/abusers.ts';
import { ClosedLoop } from '../load/closed-loop.ts';
import { MESSAGE_BYTES } from '../servers/guarded.ts';
import type { Usage } from '../servers/control.ts';

/** Connections that are idle, or bad, unless --connections says otherwise. */
const OTHERS = 10_000;
/** Busy ones among the idle, and good ones among the bad, unless --active says otherwise. */
const BUSY = 1000;
const GOOD = 100;
/** What the server with limits grants: a tenth of what a real one would, for a measurement that ends today. */
const HEADER_MS = 10_000;
const IDLE_MS = 20_000;
const COME_BACK_MS = 10_000;
/** Where the bad ones come from. A real attack has more addresses; a real server has more clients than one address. */
const BAD_ADDRESS = '127.0.0.2';
/** An address may have one in so many of the bad ones' connections. */
const SHARES = 10;
/** Abuse goes on for so long before it is measured: everybody has been thrown out once by then. */
const SETTLE_MS = 25_000;
const SAMPLE_MS = 500;

/** A line of the table. */
export interface ManyRow {
  what: string;
  connections: number;
  active: number;
  messagesPerSecond: number | null;
  p50Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
  fairness: number | null;
  /** Highest values during the measurement. */
  rssBytes: number;
  pinnedBytes: number;
  queuedBytes: number | null;
  sockets: number | null;
  /** Connections per second that came, and that a limit ended. */
  acceptedPerSecond: number | null;
  endedPerSecond: number | null;
}

/** A row of a server whose clients do nothing. */
const NOBODY_ACTIVE = {
  active: 0,
  messagesPerSecond: null,
  p50Ms: null,
  p99Ms: null,
  maxMs: null,
  fairness: null,
  queuedBytes: null,
  sockets: null,
  acceptedPerSecond: null,
  endedPerSecond: null,
} as const;

/** What the command line may change. */
export interface ManySettings {
  seconds: number;
  connections: readonly number[] | undefined;
  active: number | undefined;
}

export async function measureMany(name: string, settings: ManySettings, cpus: CpuPlan | null): Promise<ManyRow[]> {
  const others = settings.connections?.[0] ?? OTHERS;
  if (name === 'many-idle') return amongIdle(others, settings.active ?? BUSY, settings.seconds, cpus);
  const abuse = { bad: others, good: settings.active ?? GOOD, seconds: settings.seconds };
  // With the limits that each connection has; and with a share for each address, which the bad ones have used up soon.
  const share = Math.ceil(others / SHARES);
  return [...(await amongAbusers(abuse, 0, cpus)), ...(await amongAbusers(abuse, share, cpus))];
}

async function amongIdle(idle: number, busy: number, seconds: number, cpus: CpuPlan | null): Promise<ManyRow[]> {
  const server = await ServerProcess.start({
    script: 'benchmarks/servers/echo-pal.ts',
    args: ['iocp'],
    cpus,
    profileFolder: undefined,
    nodeOptions: [],
  });
  const load = new ClosedLoop(busy, MESSAGE_BYTES);
  try {
    progress(`many connections: opening ${idle + busy} connections`);
    await load.connect(server, idle + busy);
    const { pinnedBytes, rssBytes } = await server.usage();
    await load.warmUp(2);
    const row = await measure(`${busy} busy, ${idle} idle`, load, server, seconds);
    return [
      {
        ...NOBODY_ACTIVE,
        what: `${idle + busy} idle`,
        connections: idle + busy,
        pinnedBytes,
        rssBytes,
      },
      { ...row, connections: idle + busy, active: busy },
    ];
  } finally {
    load.close();
    await server.stop();
  }
}

async function amongAbusers(
  { bad, good, seconds }: { bad: number; good: number; seconds: number },
  perAddress: number,
  cpus: CpuPlan | null,
): Promise<ManyRow[]> {
  const server = await ServerProcess.start({
    script: 'benchmarks/servers/guarded-pal.ts',
    args: [HEADER_MS, IDLE_MS, perAddress].map(String),
    cpus,
    profileFolder: undefined,
    nodeOptions: [],
  });
  const load = new ClosedLoop(good, MESSAGE_BYTES);
  const abusers = new Abusers(server.port, { comeBackMs: COME_BACK_MS, localAddress: BAD_ADDRESS });
  try {
    await load.connect(server, good);
    await load.warmUp(1);
    const limited = perAddress > 0 ? `, ${perAddress} per address` : '';
    const rows: ManyRow[] = [];
    if (perAddress === 0) {
      const alone = await measure(`${good} good alone`, load, server, seconds);
      rows.push({ ...alone, connections: good, active: good });
    }
    progress(`many connections: ${bad} bad ones are coming`);
    await abusers.come(bad);
    await sleep(SETTLE_MS);
    const among = await measure(`${good} good among ${bad} bad${limited}`, load, server, seconds);
    rows.push({ ...among, connections: good + bad, active: good });
    if (perAddress === 0) {
      abusers.leave();
      await sleep(SETTLE_MS / 2);
      const after = await measure(`${good} good, the bad gone`, load, server, seconds);
      rows.push({ ...after, connections: good, active: good });
    }
    return rows;
  } finally {
    abusers.leave();
    load.close();
    await server.stop();
  }
}

/** Measures the good ones, and looks at the server meanwhile. */
async function measure(
  what: string,
  load: ClosedLoop,
  server: ServerProcess,
  seconds: number,
): Promise<Omit<ManyRow, 'connections' | 'active'>> {
  const seen: Usage[] = [await server.usage()];
  const begun = performance.now();
  const phase = { measuring: true };
  const watching = (async () => {
    while (phase.measuring) {
      await sleep(SAMPLE_MS);
      seen.push(await server.usage());
    }
  })();
  await load.measure(seconds);
  phase.measuring = false;
  await watching;
  const elapsed = (performance.now() - begun) / 1000; // the last look at the server comes after the measurement
  const { meter } = load;
  const [first, last] = [seen[0], seen.at(-1)];
  const highest = (figure: keyof Usage): number => Math.max(...seen.map((usage) => usage[figure] ?? 0));
  const counted = first?.endedByLimit !== undefined;
  const rise = (figure: keyof Usage): number => ((last?.[figure] ?? 0) - (first?.[figure] ?? 0)) / elapsed;
  progress(`many connections: ${what}: ${meter.perSecond.toFixed(0)} msg/s`);
  return {
    what,
    ...meter.figures(),
    fairness: meter.fairness,
    rssBytes: highest('rssBytes'),
    pinnedBytes: highest('pinnedBytes'),
    queuedBytes: counted ? highest('queuedBytes') : null,
    sockets: counted ? highest('sockets') : null,
    acceptedPerSecond: rise('accepted'),
    endedPerSecond: counted ? rise('endedByLimit') : null,
  };
}

/** The rows as a Markdown table. */
export function formatMany(rows: readonly ManyRow[]): string {
  const columns: readonly (readonly [string, (row: ManyRow) => string | null])[] = [
    ['', (row) => row.what],
    ['conns', (row) => show(row.connections, 0)],
    ['msg/s', (row) => show(row.messagesPerSecond, 0)],
    ['p50 ms', (row) => show(row.p50Ms, 1)],
    ['p99 ms', (row) => show(row.p99Ms, 1)],
    ['max ms', (row) => show(row.maxMs, 0)],
    ['slowest/median', (row) => show(row.fairness, 2)],
    ['RSS MiB', (row) => show(row.rssBytes / 2 ** 20, 0)],
    ['pinned KiB', (row) => show(row.pinnedBytes / 1024, 0)],
    ['queued KiB', (row) => show(row.queuedBytes === null ? null : row.queuedBytes / 1024, 0)],
    ['sockets', (row) => show(row.sockets, 0)],
    ['accepted/s', (row) => show(row.acceptedPerSecond, 0)],
    ['ended by limits/s', (row) => show(row.endedPerSecond, 0)],
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(([head]) => head)),
    line(columns.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...rows.map((row) => line(columns.map(([, cell]) => cell(row) ?? '–'))),
  ].join('\n');
}
