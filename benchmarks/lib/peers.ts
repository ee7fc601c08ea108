/** Who is measured: each peer is a server script and its arguments. */

/** The peer that all others are compared with. */
export const REFERENCE = 'node-net';

/** Peers by name, with the ending of their server's file: servers/<question's server>-<ending>.ts. */
const SERVERS: Readonly<Record<string, 'pal' | 'loops' | 'node-net'>> = {
  iocp: 'pal',
  'iocp-inline': 'pal',
  'iocp-no-skip': 'pal',
  'iocp-inline-no-skip': 'pal',
  'iocp-reuse': 'pal',
  'iocp-depth-32': 'pal',
  wsapoll: 'pal',
  'wsapoll-inline': 'pal',
  // For send-file: other ways to send one.
  'iocp-copying': 'pal',
  'iocp-read-write': 'pal',
  // One and two loops in worker_threads, behind a server that spreads: for echo, idle and latency.
  'loops-1': 'loops',
  'loops-2': 'loops',
  [REFERENCE]: 'node-net',
};

export const PEERS = Object.keys(SERVERS);

/** Measured when --peers does not say. */
export const DEFAULT_PEERS = ['iocp', 'iocp-inline', 'wsapoll', REFERENCE];

/** The script and its arguments. The runner adds its own port as the last one. */
export function serverOf(peer: string, server: string): { script: string; args: string[] } {
  const ending = SERVERS[peer];
  if (ending === undefined) throw new Error(`Cannot measure ${peer}: it is none of ${PEERS.join(', ')}`);
  return { script: `benchmarks/servers/${server}-${ending}.ts`, args: [peer] };
}
