/** Runs one scenario: cell by cell, round by round, peer after peer. */
import type { CpuPlan } from './cpus.ts';
import type { Options } from './options.ts';
import { DEFAULT_PEERS, serverOf } from './peers.ts';
import { endProgress, progress } from './progress.ts';
import type { Cell, Measurement, Scenario } from './scenario.ts';
import { makeRow, type Row, type Rounds } from './rows.ts';
import { ServerProcess } from './server-process.ts';
import { show } from './table.ts';

export interface Result {
  rows: Row[];
  /** The Node.js that the servers said they run on. */
  serverNode: string;
}

export async function runScenario(
  name: string,
  scenario: Scenario,
  options: Options,
  cpus: CpuPlan | null,
): Promise<Result> {
  const peers = options.peers ?? scenario.peers ?? DEFAULT_PEERS;
  const rows: Row[] = [];
  let serverNode = 'none that came up';
  for (const cell of scenario.cells(options)) {
    const byPeer = new Map<string, Rounds>(peers.map((peer) => [peer, []]));
    for (let round = 0; round < options.rounds; round++) {
      // Peers in turn, each round beginning with another one: whatever drifts, drifts for all.
      const shift = round % peers.length;
      const order = [...peers.slice(shift), ...peers.slice(0, shift)];
      for (const peer of order) {
        const where = `${name}, ${cell.connections} connections, round ${round + 1} of ${options.rounds}, ${peer}`;
        progress(where);
        const sawNode = (node: string): void => {
          if (node !== '') serverNode = node; // a server in C has none
        };
        const outcome = await measureOnce(scenario, cell, peer, options, cpus, sawNode);
        byPeer.get(peer)?.push(outcome);
        progress(`${where}: ${typeof outcome === 'string' ? outcome : headline(scenario, outcome)}`);
      }
    }
    rows.push(...peers.map((peer) => makeRow(name, scenario, cell, peer, byPeer)));
  }
  endProgress();
  return { rows, serverNode };
}

/** A measurement, or why there is none. */
async function measureOnce(
  scenario: Scenario,
  cell: Cell,
  peer: string,
  options: Options,
  cpus: CpuPlan | null,
  sawNode: (node: string) => void,
): Promise<Measurement | string> {
  let server: ServerProcess | null = null;
  try {
    server = await ServerProcess.start({
      ...serverOf(peer, scenario.server),
      cpus,
      profileFolder: options.profile,
      nodeOptions: options.nodeOptions,
    });
    sawNode(server.node);
    return await scenario.measure(server, cell, options);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await server?.stop();
  }
}

function headline(scenario: Scenario, outcome: Measurement): string {
  const unit = { messagesPerSecond: 'msg/s', megabytesPerSecond: 'MB/s', rssBytesPerConnection: 'B/connection' };
  return `${show(outcome[scenario.ratioOf], 0) ?? 'nothing'} ${unit[scenario.ratioOf]}`;
}
