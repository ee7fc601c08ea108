/** The command line. */
import { parseArgs } from 'node:util';
import { SCENARIOS } from '../scenarios/index.ts';
import { DEFAULT_PEERS, PEERS } from './peers.ts';
import type { Settings } from './scenario.ts';

export interface Options extends Settings {
  scenarios: string[];
  /** Undefined: the scenario's own. */
  peers: readonly string[] | undefined;
  rounds: number;
  json: string | undefined;
  profile: string | undefined;
  /** Options of node.exe itself, for every server. */
  nodeOptions: string[];
  /** Of the guard: what its file keeps of the run. */
  record: 'run' | 'baseline' | null;
}

/** The scenario that has no peers and no runner; see benchmarks/overhead/. */
export const OVERHEAD = 'overhead';
/** Scenarios without peers: what a server does for some while many others hold connections; see benchmarks/many-connections/. */
export const MANY_CONNECTIONS = ['many-idle', 'many-abusers'];
/** Not a scenario: makes docs/benchmarks.md's tables and charts from docs/benchmarks/*.json. */
export const REPORT = 'report';
/** Not a scenario: a few cells of others, beside what they gave before; see benchmarks/guard/. */
export const GUARD = 'guard';

/** A command line that cannot be run; the message says what to change. */
export class UsageError extends Error {}

export const HELP = `npm run bench -- [scenario …] [options]

Runs servers in processes of their own on the Windows node.exe, one after the other, and compares them with node:net.

scenarios (echo):
${Object.values(SCENARIOS)
  .map(({ title }) => `  ${title}`)
  .join('\n')}
  ${OVERHEAD}: the library's own code and koffi's calls, on a platform that costs nothing
  many-idle: 1000 busy connections and 10 000 idle ones in one process
  many-abusers: 100 good clients alone, and among 10 000 that mean no good
  ${GUARD}: does it get slower? Four minutes of the key questions, beside those it kept
  ${REPORT}: makes the tables and charts of docs/benchmarks.md from docs/benchmarks/*.json

options:
  --peers A,B,…        who is measured: ${PEERS.join(', ')}
                       (${DEFAULT_PEERS.join(',')}; reuse has its own)
  --connections N,N,…  instead of the scenario's own
  --active N           connections that send, for idle, arrivals and many-*
  --size BYTES,…       message sizes, for echo, idle, latency, accept, reuse, arrivals, udp, dgram, net, promises and http (of the body)
  --seconds N          of each measurement (5)
  --rounds N           each peer's turns; the result is the median (3)
  --json FILE          write the result there too
  --profile FOLDER     write a CPU profile of every server there
  --node-options TEXT  start every server's node.exe with them: --node-options=--min-semi-space-size=16
  --record WHAT        of the guard: keep this run in its file, as 'run' or as 'baseline'
  --help               this text`;

/** Returns null when help was asked for. Throws UsageError. */
export function parseOptions(args: readonly string[]): Options | null {
  const { values, positionals } = parse(args);
  if (values.help) return null;
  const scenarios = positionals.length === 0 ? ['echo'] : positionals;
  for (const name of scenarios)
    requireOneOf('scenario', name, [...Object.keys(SCENARIOS), OVERHEAD, ...MANY_CONNECTIONS, REPORT, GUARD]);
  const peers = values.peers?.split(',');
  for (const name of peers ?? []) requireOneOf('peer', name, PEERS);
  return {
    scenarios,
    peers,
    connections: numbers('connections', values.connections, 10_000),
    active: numbers('active', values.active, 10_000)?.[0],
    sizes: numbers('size', values.size, 2 ** 24),
    seconds: numbers('seconds', values.seconds, 600)?.[0] ?? 5,
    rounds: numbers('rounds', values.rounds, 100)?.[0] ?? 3,
    json: values.json,
    profile: values.profile,
    record: recordOf(values.record),
    nodeOptions: values['node-options'].split(' ').filter((option) => option !== ''),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        peers: { type: 'string' },
        connections: { type: 'string' },
        active: { type: 'string' },
        size: { type: 'string' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        json: { type: 'string' },
        profile: { type: 'string' },
        record: { type: 'string' },
        'node-options': { type: 'string', default: '' },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}. --help lists the options`);
  }
}

function recordOf(value: string | undefined): Options['record'] {
  if (value === undefined || value === 'run' || value === 'baseline') return value ?? null;
  throw new UsageError(`Cannot use --record ${value}: it must be run or baseline`);
}

function requireOneOf(what: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new UsageError(`Cannot run the ${what} '${name}': it must be one of ${names.join(', ')}`);
}

/** '100,1000' → [100, 1000]. */
function numbers(name: string, text: string | undefined, most: number): number[] | undefined {
  return text?.split(',').map((part) => {
    const value = /^\d+$/.test(part) ? Number(part) : NaN;
    if (value >= 1 && value <= most) return value;
    throw new UsageError(`Cannot use --${name} ${text}: it must be whole numbers from 1 to ${most}`);
  });
}
