/** A client's side: sends a message, waits until all of it has come back, compares it, and sends the next. */
import type { NetworkError, NetworkPal, SocketHandle } from '../src/index.ts';
import type { EchoOptions } from './options.ts';
import { fillRandom } from './random-bytes.ts';
import type { Tally } from './tally.ts';

export class EchoClient {
  readonly #pal: NetworkPal;
  readonly #options: EchoOptions;
  readonly #tally: Tally;
  readonly #number: number;
  readonly #sent: Buffer;
  readonly #received: Buffer;
  #socket: SocketHandle | null = null;
  #message = 0;
  #receivedBytes = 0;
  #sentAt = 0;
  #done: () => void = () => undefined;

  /** @param number 1 for the first client; together with the seed it decides on the bytes. */
  constructor(pal: NetworkPal, options: EchoOptions, tally: Tally, number: number) {
    this.#pal = pal;
    this.#options = options;
    this.#tally = tally;
    this.#number = number;
    this.#sent = Buffer.alloc(options.size);
    this.#received = Buffer.alloc(options.size);
  }

  /** Resolves once the attempt has ended, either way: a failure is in the tally. */
  connect(port: number): Promise<void> {
    return new Promise((resolve) => {
      this.#pal.asyncConnect('127.0.0.1', port, { noDelay: true }, (error, socket) => {
        if (error === null) {
          this.#socket = socket;
          this.#tally.connected++;
        } else {
          this.#fail(`could not connect: ${error.message}`);
        }
        resolve();
      });
    });
  }

  /** Sends all messages. Resolves once the last has come back, or something went wrong, which is in the tally. */
  exchange(): Promise<void> {
    const socket = this.#socket;
    if (socket === null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#send(socket);
    });
  }

  /** Resolves when the socket is closed. */
  close(): Promise<void> {
    const socket = this.#socket;
    if (socket === null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#pal.closeSocket(socket, () => {
        this.#tally.closed++;
        resolve();
      });
    });
  }

  #send(socket: SocketHandle): void {
    this.#message++;
    this.#receivedBytes = 0;
    fillRandom(this.#sent, this.#options.seed, this.#number, this.#message);
    this.#sentAt = performance.now();
    this.#read(socket);
    this.#pal.asyncWrite(socket, this.#sent, this.#written);
  }

  readonly #written = (error: NetworkError | null): void => {
    if (error !== null) this.#fail(`could not send message ${this.#message}: ${error.message}`);
  };

  #read(socket: SocketHandle): void {
    const rest = this.#receivedBytes === 0 ? this.#received : this.#received.subarray(this.#receivedBytes);
    this.#pal.asyncRead(socket, rest, rest.length, this.#arrived);
  }

  readonly #arrived = (error: NetworkError | null, bytes: number): void => {
    const socket = this.#socket;
    if (socket === null) return;
    if (error !== null) return this.#fail(`got an error instead of message ${this.#message}: ${error.message}`);
    if (bytes === 0) {
      const missing = this.#options.size - this.#receivedBytes;
      return this.#fail(`was cut off with ${missing} bytes of message ${this.#message} missing`);
    }
    this.#receivedBytes += bytes;
    if (this.#receivedBytes < this.#options.size) return this.#read(socket);
    this.#check(socket);
  };

  #check(socket: SocketHandle): void {
    if (!this.#received.equals(this.#sent)) {
      const at = this.#received.findIndex((byte, index) => byte !== this.#sent[index]);
      const got = this.#received[at] ?? 0;
      const expected = this.#sent[at] ?? 0;
      return this.#fail(`got message ${this.#message} back with byte ${at} changed: ${got} instead of ${expected}`);
    }
    this.#tally.messageCameBack(this.#options.size, performance.now() - this.#sentAt);
    if (this.#message < this.#options.messages) this.#send(socket);
    else this.#done();
  }

  #fail(what: string): void {
    this.#tally.failures.push(`connection ${this.#number} ${what}`);
    this.#done();
  }
}
