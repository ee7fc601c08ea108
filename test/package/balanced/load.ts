/** Clients that connect, ask some times on one connection, and connect again, until they are told to end. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Progress } from '../live/progress.ts';

/** Questions on one connection. */
const QUESTIONS = 5;
/** Where the clients come from: an address of this machine that HAProxy does not have. */
export const CLIENT_ADDRESS = '127.0.0.7';
/** Milliseconds between a client's questions: what a person's would have more of. It keeps the machine from being busy with this alone. */
const PAUSE_MS = 4;

/** A connection that stays, and the server that it has reached. */
export class HeldConnection {
  readonly server: string;
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket, lines: AsyncIterator<string>, server: string) {
    this.#socket = socket;
    this.#lines = lines;
    this.server = server;
  }

  /** One to each of these servers: it connects as often as it takes. */
  static async toEach(port: number, servers: readonly string[]): Promise<Map<string, HeldConnection>> {
    const held = new Map<string, HeldConnection>();
    while (held.size < servers.length) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined); // its lines end then
      const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
      const server = await asked(socket, lines);
      if (server === null || held.has(server)) socket.destroy();
      else held.set(server, new HeldConnection(socket, lines, server));
    }
    return held;
  }

  /** Asks once. Returns who has answered; null: the connection has ended. */
  ask(): Promise<string | null> {
    return asked(this.#socket, this.#lines);
  }

  /** Until it ends. */
  async ended(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function asked(socket: Socket, lines: AsyncIterator<string>): Promise<string | null> {
  socket.write('who\n');
  const { done, value } = (await lines.next()) as { done?: boolean; value: string };
  return done === true ? null : (value.split(' ')[0] ?? null);
}

export class Load {
  /** Answers of each server, by its name. */
  readonly answers = new Map<string, number>();
  /** Of each connection that broke, the server that had answered on it; '' when none had yet. */
  readonly broken: string[] = [];
  /** Answers to somebody else than who had asked, as the server said it. */
  readonly mistaken: string[] = [];
  readonly #port: number;
  readonly #progress: Progress;
  readonly #clients: Promise<void>[] = [];
  #over = false;

  constructor(port: number, clients: number, progress: Progress) {
    this.#port = port;
    this.#progress = progress;
    for (let index = 0; index < clients; index++) this.#clients.push(this.#client(index));
  }

  /** Answers of one server, or of all. */
  count(server?: string): number {
    if (server !== undefined) return this.answers.get(server) ?? 0;
    return [...this.answers.values()].reduce((sum, more) => sum + more, 0);
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#clients);
  }

  async #client(index: number): Promise<void> {
    for (let round = 0; !this.#over; round++) await this.#talk(`${index}-${round}`);
  }

  async #talk(name: string): Promise<void> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', localAddress: CLIENT_ADDRESS });
    socket.on('error', () => undefined); // its lines end then, too early
    let server = '';
    let left = QUESTIONS;
    const ask = (): void => void socket.write(`${name} ${left}\n`);
    ask();
    for await (const line of createInterface({ input: socket })) {
      const [who = '', client, ...said] = line.split(' ');
      if (said.join(' ') !== `${name} ${left}` || (server !== '' && who !== server)) break;
      const expected = `${CLIENT_ADDRESS}:${socket.localPort}>${this.#port}`;
      if (client !== expected) this.mistaken.push(`${client} instead of ${expected}`);
      server = who;
      this.answers.set(who, this.count(who) + 1);
      this.#progress.made();
      left--;
      if (left === 0) break;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      ask();
    }
    if (left > 0) this.broken.push(server);
    socket.destroy();
    if (!socket.closed) await once(socket, 'close');
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS)); // whoever is refused comes back a little later
  }
}
