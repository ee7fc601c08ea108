/**
 * The line between a server under test and the runner: tells the port, answers with what the process has used, and ends
 * the process when asked to, or when the runner is gone. Silent while a measurement runs, and the same for every peer.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a server says when it listens. */
export interface Ready {
  port: number;
  node: string;
}

/** What the process has used so far. */
export interface Usage {
  cpuSeconds: number;
  rssBytes: number;
  /** Native memory that the kernel holds for pending operations; 0 for peers that cannot tell. */
  pinnedBytes: number;
  /** Connections that the server has been given so far. */
  accepted: number;
  /** Open sockets, bytes in write queues, and connections that a limit has ended; of servers that count them. */
  sockets?: number;
  queuedBytes?: number;
  endedByLimit?: number;
  /** Frames that players did not get, since they took too little. */
  dropped?: number;
}

/** What is left of the JavaScript heap when what nobody needs has been collected. */
export interface Heap {
  heapBytes: number;
}

/** What only the server itself can tell. */
export type Counts = Omit<Usage, 'cpuSeconds' | 'rssBytes'>;

/** Where servers find the runner: their last argument is its port. */
export function report(port: number, counts: () => Counts): void {
  const control = connect(Number(process.argv.at(-1)), '127.0.0.1');
  const say = (message: Ready | Usage | Heap): void => void control.write(`${JSON.stringify(message)}\n`);
  const node = `${process.version} ${process.platform} ${process.arch}`;
  control.on('connect', () => {
    say({ port, node });
  });
  control.on('error', () => process.exit(1));
  control.on('close', () => process.exit(0));
  createInterface(control).on('line', (line) => {
    if (line === 'quit') process.exit(0);
    if (line === 'heap') return say({ heapBytes: collectedHeap() });
    const { user, system } = process.cpuUsage();
    say({ cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss(), ...counts() });
  });
}

function collectedHeap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
