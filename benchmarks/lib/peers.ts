/** Who is measured: each peer is a server script and its arguments. */
import { existsSync } from 'node:fs';
import { programInC } from './c-server.ts';

/** The peer that all others are compared with. */
export const REFERENCE = 'node-net';

/** Other programs that run servers written for node:net. They are measured only when --peers names them. */
const PROGRAMS: Readonly<Record<string, { file: string; args: string[] }>> = {
  bun: { file: 'node_modules/@oven/bun-windows-x64/bin/bun.exe', args: [] },
  deno: { file: 'node_modules/@deno/win32-x64/deno.exe', args: ['run', '--allow-all'] },
};

/** Where node-media-server is. */
const SOFTWARE = 'test/package/software';

/** Peers by name, with the ending of their server's file: servers/<scenario's server>-<ending>.ts. */
const SERVERS: Readonly<
  Record<
    string,
    'pal' | 'loops' | 'net' | 'dgram' | 'promises' | 'node-net' | 'c' | 'media-server' | 'media-server-register'
  >
> = {
  iocp: 'pal',
  'iocp-inline': 'pal',
  'iocp-no-skip': 'pal',
  'iocp-inline-no-skip': 'pal',
  'iocp-reuse': 'pal',
  'iocp-depth-32': 'pal',
  // For promises: callbacks that give what comes memory of its own, as an iteration does.
  'iocp-chunks': 'pal',
  wsapoll: 'pal',
  'wsapoll-inline': 'pal',
  // For send-file: other ways to send one.
  'iocp-copying': 'pal',
  'iocp-read-write': 'pal',
  // One and two loops in worker_threads, behind a server that spreads: for echo, idle and latency.
  'loops-1': 'loops',
  'loops-2': 'loops',
  // iocp-pal/net and iocp-pal/promises: for echo and latency; net for http, and promises for fan-out, too.
  net: 'net',
  promises: 'promises',
  'promises-read': 'promises',
  // iocp-pal/dgram: for udp and dgram.
  dgram: 'dgram',
  // For pump, udp, dgram and fan-out: servers in C that do nothing else; and node-media-server as it is and with iocp-pal/register.
  c: 'c',
  'media-server': 'media-server',
  'media-server-register': 'media-server-register',
  [REFERENCE]: 'node-net',
  // Where they are installed; neither starts on Wine 8.
  bun: 'node-net',
  deno: 'node-net',
};

export const PEERS = Object.keys(SERVERS);

/** Measured when --peers does not say. */
export const DEFAULT_PEERS = ['iocp', 'iocp-inline', 'wsapoll', REFERENCE];

/** How a server is started. */
export interface ServerCommand {
  /** Path of the script, and its arguments. The runner adds its own port as the last one. */
  script: string;
  args: string[];
  /** What runs it, with options of its own, when that is not node.exe. */
  program?: { file: string; args: string[] };
}

/** @throws when there is no such peer, or its program is not installed. */
export function serverOf(peer: string, server: string): ServerCommand {
  const ending = SERVERS[peer];
  if (ending === undefined) throw new Error(`Cannot measure ${peer}: it is none of ${PEERS.join(', ')}`);
  if (ending === 'c') {
    const file = programInC(`${server}-c`);
    return { script: `benchmarks/servers/${server}-c.c`, args: [], program: { file, args: [] } };
  }
  if (ending.startsWith('media-server') && !existsSync(`${SOFTWARE}/node_modules/node-media-server`))
    throw new Error(`node-media-server is not installed: npm ci in ${SOFTWARE}`);
  const program = PROGRAMS[peer];
  if (program !== undefined && !existsSync(program.file)) {
    const [name] = /@[^/]+\/[^/]+/.exec(program.file) ?? [peer];
    throw new Error(`${peer} is not installed: npm install --no-save --force ${name}`);
  }
  return {
    script: `benchmarks/servers/${server}-${ending}.ts`,
    args: [peer],
    ...(program !== undefined && { program }),
  };
}
