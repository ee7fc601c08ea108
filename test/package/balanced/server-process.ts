/** One of the servers behind HAProxy: a process on the Windows node.exe, which may be stopped, killed and started again. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { runOnWindowsNode } from '../../../scripts/wine.mjs';

type ProcessEnd = Awaited<ReturnType<typeof runOnWindowsNode>>;

export class ServerProcess {
  /** How it has ended, once it has. */
  end: ProcessEnd | null = null;
  readonly #ended: Promise<ProcessEnd>;
  readonly #orders: Socket;
  readonly #abort: AbortController;

  /** Starts it; done when it listens. @throws Error when it ends before */
  static async start(project: string, name: string, port: number): Promise<ServerProcess> {
    const here = createServer().listen(0, '127.0.0.1');
    await once(here, 'listening');
    const abort = new AbortController();
    const args = [name, `${port}`, `${(here.address() as AddressInfo).port}`];
    const ended = runOnWindowsNode(['behind-haproxy.mjs', ...args], {
      cwd: project,
      stdio: 'pipe',
      abort: abort.signal,
    });
    const listens = once(here, 'connection').then(async ([socket]: unknown[]) => {
      const orders = socket as Socket;
      orders.on('error', () => undefined); // of a process that was killed
      await once(orders, 'data');
      return orders;
    });
    const first = await Promise.race([listens, ended]);
    here.close();
    if ('code' in first) throw new Error(`The server ${name} has ended: ${first.stderr}`);
    return new ServerProcess(first, ended, abort);
  }

  private constructor(orders: Socket, ended: Promise<ProcessEnd>, abort: AbortController) {
    this.#orders = orders;
    this.#abort = abort;
    this.#ended = ended.then((end) => (this.end = end));
  }

  /** Has it close its server, serve those who are still there, and end. */
  async stop(): Promise<ProcessEnd> {
    this.#orders.write('stop\n');
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }
}
