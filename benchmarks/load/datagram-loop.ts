/** UDP sockets that each send a datagram, wait until it comes back, and send the next. What does not come back is counted. */
import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { Meter } from './meter.ts';
import { until } from './stall.ts';

/** A datagram that is not back by then is lost: some ten times what the slowest peer takes with the most clients. */
const LOST_AFTER_MS = 500;
/** How often somebody looks for what is lost. */
const SWEEP_MS = 50;
/** Where each datagram has its number, so that an answer that comes too late is not taken for another one's. */
const NUMBER_BYTES = 4;

interface Client {
  socket: Socket;
  message: Buffer;
  number: number;
  sentAt: number;
}

export class DatagramLoop {
  readonly meter: Meter;
  /** Datagrams that did not come back in time, since measure() began. */
  lost = 0;
  readonly #clients: Client[] = [];
  #answers = 0;
  #sweep: NodeJS.Timeout | undefined;
  #failure: Error | null = null;
  #ending = false;

  constructor(clients: number) {
    this.meter = new Meter(clients);
  }

  /** Opens the sockets and fixes their peer: one system call per datagram, and no look at the destination. */
  async open(port: number, messageBytes: number): Promise<void> {
    for (let index = 0; index < this.meter.counts.length; index++) {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve));
      const message = Buffer.alloc(Math.max(messageBytes, NUMBER_BYTES), 'm');
      const client: Client = { socket, message, number: 0, sentAt: 0 };
      this.#clients.push(client);
      socket.on('error', (error) => (this.#failure ??= error));
      socket.on('message', (answer) => {
        if (answer.length !== message.length || answer.readUInt32LE(0) !== client.number) return;
        this.#answers++;
        this.meter.answered(index, performance.now() - client.sentAt);
        if (!this.#ending) this.#send(client);
      });
    }
  }

  async warmUp(seconds: number): Promise<void> {
    for (const client of this.#clients) this.#send(client);
    this.#sweep = setInterval(() => {
      this.#countLost();
    }, SWEEP_MS);
    await sleep(seconds * 1000);
    await this.#watch(() => this.#answers > 0);
  }

  /** Measures for this long. */
  async measure(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    this.lost = 0;
    this.meter.begin();
    await this.#watch(() => performance.now() >= end);
    this.meter.end();
  }

  close(): void {
    this.#ending = true;
    clearInterval(this.#sweep);
    for (const { socket } of this.#clients) socket.close();
  }

  #send(client: Client): void {
    client.number = (client.number + 1) >>> 0;
    client.message.writeUInt32LE(client.number, 0);
    client.sentAt = performance.now();
    client.socket.send(client.message);
  }

  #countLost(): void {
    const now = performance.now();
    for (const client of this.#clients) {
      if (now - client.sentAt < LOST_AFTER_MS) continue;
      this.lost++;
      this.#send(client);
    }
  }

  async #watch(done: () => boolean): Promise<void> {
    const isOver = (): boolean => {
      if (this.#failure !== null) throw this.#failure;
      return done();
    };
    await until(isOver, () => this.#answers, 'datagrams');
  }
}
