/** node-media-server on the Windows node.exe: a process that tells what it logs, and hears orders. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { runOnWindowsNode } from '../../../scripts/wine.mjs';
import { freePort } from '../servers.ts';
import type { Progress } from './progress.ts';

type ProcessEnd = Awaited<ReturnType<typeof runOnWindowsNode>>;

interface Ports {
  rtmp: number;
  http: number;
}

export class MediaServer {
  readonly logged: string[] = [];
  /** How it has ended, once it has. */
  end: ProcessEnd | null = null;
  readonly ended: Promise<ProcessEnd>;
  readonly #ports: Ports;
  readonly #abort = new AbortController();
  #orders: Socket | null = null;

  /** Starts it in a project in which its program is. */
  static async start(project: string, progress: Progress): Promise<MediaServer> {
    const ports = { rtmp: await freePort(), http: await freePort() };
    const here = createServer().listen(0, '127.0.0.1');
    await once(here, 'listening');
    return new MediaServer(project, progress, ports, here);
  }

  private constructor(project: string, progress: Progress, ports: Ports, here: ReturnType<typeof createServer>) {
    this.#ports = ports;
    here.once('connection', (socket) => {
      here.close();
      this.#orders = socket;
      createInterface({ input: socket }).on('line', (line) => {
        this.logged.push(line);
        progress.made();
      });
      socket.on('error', () => undefined); // of a process that has been ended
    });
    const args = [(here.address() as AddressInfo).port, ports.rtmp, ports.http].map(String);
    this.ended = runOnWindowsNode(['--import', 'iocp-pal/register', 'node-media-server.mjs', ...args], {
      cwd: project,
      stdio: 'pipe',
      abort: this.#abort.signal,
    }).then((end) => {
      here.close();
      this.end = end;
      progress.made();
      return end;
    });
  }

  rtmp(stream: string): string {
    return `rtmp://127.0.0.1:${this.#ports.rtmp}/${stream}`;
  }

  httpFlv(stream: string): string {
    return `http://127.0.0.1:${this.#ports.http}/${stream}.flv`;
  }

  /** How many lines of its log match. */
  count(pattern: RegExp): number {
    return this.logged.filter((line) => pattern.test(line)).length;
  }

  order(what: 'queues' | 'stop'): void {
    this.#orders?.write(`${what}\n`);
  }

  async kill(): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }
}
