/** A server under test in its own process, on the Windows node.exe. servers/control.ts is its side of the line. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { startServices, wineEnvironment } from '../../scripts/windows/wine-prefix.mjs';
import { runOnWindowsNode } from '../../scripts/wine.mjs';
import type { Heap, Ready, Usage } from '../servers/control.ts';
import type { CpuPlan } from './cpus.ts';
import type { ServerCommand } from './peers.ts';

/** node.exe starts in half a second; a machine under load may take longer. */
const START_TIMEOUT_MS = 30_000;
/** An answer on the control line; servers that are busy with traffic give it a turn late. */
const ANSWER_TIMEOUT_MS = 20_000;

export interface ServerOptions extends ServerCommand {
  cpus: CpuPlan | null;
  /** Folder for a CPU profile of the server. */
  profileFolder: string | undefined;
  /** Options of node.exe itself. */
  nodeOptions: readonly string[];
}

export class ServerProcess {
  readonly port: number;
  readonly node: string;
  readonly #control: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;
  /** Rejects when the process ends, with its exit code. */
  readonly #died: Promise<never>;
  readonly #kill: AbortController;

  private constructor(
    ready: Ready,
    line: ControlLine,
    ends: { exited: Promise<unknown>; died: Promise<never> },
    kill: AbortController,
  ) {
    this.port = ready.port;
    this.node = ready.node;
    this.#control = line.socket;
    this.#lines = line.lines;
    this.#exited = ends.exited;
    this.#died = ends.died;
    this.#kill = kill;
  }

  /** Starts a server, under Wine with a wineserver of its own. Throws when it does not come up. */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const { script, args, program, cpus, profileFolder, nodeOptions } = options;
    freshWineserver(cpus);
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const kill = new AbortController();
    const profile = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
    const { port } = listener.address() as AddressInfo;
    const before = program === undefined ? [...profile, ...nodeOptions] : program.args;
    const exited = runOnWindowsNode([...before, script, ...args, String(port)], {
      abort: kill.signal,
      ...(program !== undefined && { program: path.resolve(program.file) }),
      ...(cpus !== null && { taskset: cpus.server }),
    });
    try {
      const died = exited.then(({ code }) =>
        Promise.reject(new Error(`The server ended by itself, with exit code ${code}`)),
      );
      const line = await Promise.race([accept(listener), died]);
      const ready = (await Promise.race([answer(line.lines), died])) as Ready;
      died.catch(() => undefined);
      return new ServerProcess(ready, line, { exited, died }, kill);
    } catch (error) {
      kill.abort();
      throw error;
    } finally {
      listener.close();
    }
  }

  async usage(): Promise<Usage> {
    return (await this.#ask('usage')) as Usage;
  }

  /** Bytes of the JavaScript heap, after a collection. */
  async heapBytes(): Promise<number> {
    return ((await this.#ask('heap')) as Heap).heapBytes;
  }

  #ask(question: string): Promise<unknown> {
    this.#control.write(`${question}\n`);
    return Promise.race([answer(this.#lines), this.#died]);
  }

  /** Ends the server, and waits until it has ended. */
  async stop(): Promise<void> {
    this.#control.write('quit\n');
    const timer = setTimeout(() => {
      this.#kill.abort();
    }, ANSWER_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
    this.#control.destroy();
  }
}

interface ControlLine {
  socket: Socket;
  lines: AsyncIterator<string>;
}

async function accept(listener: Server): Promise<ControlLine> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  const [socket] = (await once(listener, 'connection', { signal }).catch((cause: unknown) => {
    throw new Error(`The server has not reported within ${START_TIMEOUT_MS / 1000} s of its start`, { cause });
  })) as [Socket];
  socket.on('error', () => undefined); // the server's end is told by its exit code
  return { socket, lines: createInterface(socket)[Symbol.asyncIterator]() };
}

async function answer(lines: AsyncIterator<string>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`The server has not answered the runner for ${ANSWER_TIMEOUT_MS / 1000} s`));
    }, ANSWER_TIMEOUT_MS);
  });
  try {
    const next = await Promise.race([lines.next(), late]);
    if (next.done === true) return await late; // its exit code will tell more
    return JSON.parse(next.value);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Under Wine every call of Windows goes to one server process, and one that has served 5000 sockets can stay slow for
 * whoever comes next. The prefix is the benchmarks' own (start.mjs), so nobody else loses theirs.
 */
function freshWineserver(cpus: CpuPlan | null): void {
  if (process.platform === 'win32') return;
  const options = { env: { ...process.env, ...wineEnvironment() }, stdio: 'ignore' } as const;
  spawnSync('wineserver', ['-k'], options);
  spawnSync('wineserver', ['-w'], options);
  startServices(cpus?.server);
}
