/** Runs one question: cell by cell, round by round, peer after peer. */
import type { CpuPlan } from './cpus.ts';
import type { Options } from './options.ts';
import { DEFAULT_PEERS, serverOf } from './peers.ts';
import { endProgress, progress } from './progress.ts';
import type { Cell, Measurement, Question } from './question.ts';
import { makeRow, type Row, type Rounds } from './rows.ts';
import { ServerProcess } from './server-process.ts';
import { show } from './table.ts';

export interface Result {
  rows: Row[];
  /** The Node.js that the servers said they run on. */
  serverNode: string;
}

export async function runQuestion(
  name: string,
  question: Question,
  options: Options,
  cpus: CpuPlan | null,
): Promise<Result> {
  const peers = options.peers ?? question.peers ?? DEFAULT_PEERS;
  const rows: Row[] = [];
  let serverNode = 'none that came up';
  for (const cell of question.cells(options)) {
    const byPeer = new Map<string, Rounds>(peers.map((peer) => [peer, []]));
    for (let round = 0; round < options.rounds; round++) {
      // Peers in turn, each round beginning with another one: whatever drifts, drifts for all.
      const shift = round % peers.length;
      const order = [...peers.slice(shift), ...peers.slice(0, shift)];
      for (const peer of order) {
        const where = `${name}, ${cell.connections} connections, round ${round + 1} of ${options.rounds}, ${peer}`;
        progress(where);
        const outcome = await measureOnce(question, cell, peer, options, cpus, (node) => (serverNode = node));
        byPeer.get(peer)?.push(outcome);
        progress(`${where}: ${typeof outcome === 'string' ? outcome : headline(question, outcome)}`);
      }
    }
    rows.push(...peers.map((peer) => makeRow(name, question, cell, peer, byPeer)));
  }
  endProgress();
  return { rows, serverNode };
}

/** A measurement, or why there is none. */
async function measureOnce(
  question: Question,
  cell: Cell,
  peer: string,
  options: Options,
  cpus: CpuPlan | null,
  sawNode: (node: string) => void,
): Promise<Measurement | string> {
  let server: ServerProcess | null = null;
  try {
    server = await ServerProcess.start({ ...serverOf(peer, question.server), cpus, profileFolder: options.profile });
    sawNode(server.node);
    return await question.measure(server, cell, options);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await server?.stop();
  }
}

function headline(question: Question, outcome: Measurement): string {
  const unit = { messagesPerSecond: 'msg/s', megabytesPerSecond: 'MB/s', rssBytesPerConnection: 'B/connection' };
  return `${show(outcome[question.ratioOf], 0) ?? 'nothing'} ${unit[question.ratioOf]}`;
}
