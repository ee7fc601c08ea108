/** Connections that each send a message, wait until all of it has come back, and send the next. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { allAccepted, type AskedServer } from './accepted.ts';
import { dropAll, open, openMany, watchForLoss } from './connections.ts';
import { Meter } from './meter.ts';
import { until } from './stall.ts';

/** Connections that send their first message in one turn: a real crowd does not start at one instant. */
const STARTED_PER_TURN = 32;
/** How long an unfair server is given for connections that had no answer. Then it is measured as it is. */
const FIRST_ANSWERS_MS = 5000;

interface Client {
  socket: Socket;
  missing: number;
  sentAt: number;
}

export class ClosedLoop {
  readonly meter: Meter;
  readonly #message: Buffer;
  readonly #answerBytes: number;
  readonly #clients: Client[] = [];
  #sockets: Socket[] = [];
  #answers = 0;
  #checkLoss: () => void = () => undefined;
  #ending = false;

  /**
   * @param active connections that send; the others stay silent.
   * @param message what they send, or its length in bytes when it does not matter what it is
   * @param answerBytes that come back for a message; it comes back itself when this is not given
   */
  constructor(active: number, message: Buffer | number, answerBytes?: number) {
    this.meter = new Meter(active);
    this.#message = typeof message === 'number' ? Buffer.alloc(message, 'm') : message;
    this.#answerBytes = answerBytes ?? this.#message.length;
  }

  async connect(server: AskedServer, connections: number): Promise<void> {
    this.#sockets = await openMany(connections, () => this.#open(server.port));
    await allAccepted(server, connections);
    this.#checkLoss = watchForLoss(this.#sockets);
  }

  /** Starts the active ones and lets them run for a while, and then a little longer if some had no answer yet. */
  async warmUp(seconds: number): Promise<void> {
    const active = this.meter.counts.length;
    this.meter.begin();
    for (let first = 0; first < active; first += STARTED_PER_TURN) {
      for (const client of this.#clients.slice(first, Math.min(first + STARTED_PER_TURN, active))) this.#send(client);
      await sleep(0);
    }
    await sleep(seconds * 1000);
    const { counts } = this.meter;
    const patience = performance.now() + FIRST_ANSWERS_MS;
    await this.#watch(() => performance.now() >= patience || counts.every((count) => count > 0), 'first answers');
  }

  /** Measures for this long. */
  async measure(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    this.meter.begin();
    await this.#watch(() => performance.now() >= end, 'answers');
    this.meter.end();
  }

  close(): void {
    this.#ending = true;
    dropAll(this.#sockets);
  }

  async #open(port: number): Promise<Socket> {
    const client: Partial<Client> = { missing: 0, sentAt: 0 };
    const number = this.#clients.length;
    this.#clients.push(client as Client);
    const socket = await open(port, (bytes) => {
      client.missing = (client.missing ?? 0) - bytes;
      if (client.missing > 0) return;
      this.#answers++;
      this.meter.answered(number, performance.now() - (client.sentAt ?? 0));
      if (!this.#ending) this.#send(client as Client);
    });
    client.socket = socket;
    return socket;
  }

  #send(client: Client): void {
    client.missing = this.#answerBytes;
    client.sentAt = performance.now();
    client.socket.write(this.#message);
  }

  async #watch(done: () => boolean, what: string): Promise<void> {
    const isOver = (): boolean => {
      this.#checkLoss();
      return done();
    };
    await until(isOver, () => this.#answers, what);
  }
}
