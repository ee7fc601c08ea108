/** Debian's HAProxy before servers of ours: the configuration of docs/scaling.md, and its administrator's orders. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import type { Progress } from '../live/progress.ts';

const HAPROXY = '/usr/sbin/haproxy';
export const haproxyIsThere = existsSync(HAPROXY);

/** Milliseconds between two looks at what HAProxy says of a server: it tells nobody of a change. */
const LOOK_MS = 50;

/** docs/scaling.md has the same, with addresses of several machines; a test compares the two. */
export function configuration(
  clients: string,
  socket: string,
  servers: readonly [name: string, address: string][],
): string {
  return `global
    stats socket ${socket} mode 600 level admin

defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    retries 3
    option redispatch 1

frontend clients
    bind ${clients}
    default_backend servers

backend servers
    balance leastconn
    default-server check inter 500ms fall 2 rise 1 weight 100 slowstart 60s on-marked-down shutdown-sessions
    default-server send-proxy-v2 check-send-proxy
${servers.map(([name, address]) => `    server ${name} ${address}`).join('\n')}
`;
}

export class HaProxy {
  readonly #child: ChildProcess;
  readonly #socket: string;
  readonly #progress: Progress;
  readonly #ended: Promise<unknown>;
  /** What it has printed, once it has ended by itself. */
  failure: string | null = null;

  constructor(folder: string, port: number, servers: readonly [name: string, address: string][], progress: Progress) {
    this.#progress = progress;
    this.#socket = path.join(folder, 'haproxy.sock');
    const file = path.join(folder, 'haproxy.cfg');
    writeFileSync(file, configuration(`127.0.0.1:${port}`, this.#socket, servers));
    let printed = '';
    this.#child = spawn(HAPROXY, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    this.#ended = once(this.#child, 'close').then(() => {
      this.failure = printed;
      progress.made();
    });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** An order to its socket, and the answer. */
  async order(what: string): Promise<string> {
    const socket = connect(this.#socket);
    socket.end(`${what}\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  /** Until its statistics say this of a server. */
  async says(
    server: string,
    what: (fields: Record<string, string>) => boolean,
    broken: () => string | null,
  ): Promise<void> {
    let latest: Record<string, string> = {};
    let over = false;
    const look = async (): Promise<void> => {
      while (!over) {
        latest = await this.#statistics(server).catch(() => ({})); // it has not made its socket yet
        this.#progress.made();
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    };
    const looking = look();
    try {
      await this.#progress.until(
        () => what(latest),
        () => `what HAProxy says of ${server}; it says ${JSON.stringify(latest)}`,
        () => this.failure ?? broken(),
      );
    } finally {
      over = true;
      await looking;
    }
  }

  /** The fields of `show stat`: https://docs.haproxy.org/2.6/management.html#9.1 */
  async #statistics(server: string): Promise<Record<string, string>> {
    const [head = '', ...rows] = (await this.order('show stat')).replace('# ', '').split('\n');
    const row = rows.find((line) => line.startsWith(`servers,${server},`)) ?? '';
    const values = row.split(',');
    return Object.fromEntries(head.split(',').map((name, index) => [name, values[index] ?? '']));
  }
}
