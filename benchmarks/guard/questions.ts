/** What the guard asks: the fewest measurements that a change for the worse in any part of the library would show in. */
import type { Options } from '../lib/options.ts';
import { REFERENCE } from '../lib/peers.ts';

/** A cell of a scenario; each of its peers but node:net is a question. */
export interface Cell {
  scenario: string;
  connections: number;
  bytes: number;
  peers: readonly string[];
}

export const CELLS: readonly Cell[] = [
  { scenario: 'echo', connections: 100, bytes: 64, peers: ['iocp', 'promises', 'net'] },
  { scenario: 'echo', connections: 1000, bytes: 64, peers: ['iocp'] },
  { scenario: 'echo', connections: 100, bytes: 16_384, peers: ['net'] },
  { scenario: 'latency', connections: 1, bytes: 64, peers: ['iocp'] },
  { scenario: 'pump', connections: 1, bytes: 65_536, peers: ['iocp'] },
  { scenario: 'accept', connections: 32, bytes: 64, peers: ['iocp'] },
  { scenario: 'udp', connections: 16, bytes: 64, peers: ['iocp'] },
  { scenario: 'http', connections: 50, bytes: 12, peers: ['net'] },
];

/**
 * Three rounds of a second: four minutes for all cells, most of which are starts of servers. (With two, one round in which node.exe was
 * slow made 1.65 of a ratio of 1.1.)
 */
const ROUNDS = 3;
const SECONDS = 1;

export function optionsOf({ connections, bytes, peers }: Cell): Options {
  return {
    scenarios: [],
    peers: [...peers, REFERENCE],
    connections: [connections],
    active: undefined,
    sizes: [bytes],
    seconds: SECONDS,
    rounds: ROUNDS,
    json: undefined,
    profile: undefined,
    nodeOptions: [],
    record: null,
  };
}

export function nameOf({ scenario, connections, bytes }: Cell, peer: string): string {
  return `${scenario} ${connections} × ${bytes} B, ${peer}`;
}
