/** A UDP socket, with promises. docs/promises.md explains it. */
import type { Destination } from '../pal/datagram.ts';
import type { Endpoint } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { WriteData } from '../pal/network-pal.ts';
import type { OperationOptions } from '../pal/pending-operation.ts';
import type { Scheduler, TimerHandle } from '../platform/platform.ts';
import { requireInteger, wrongType } from '../util/validate.ts';
import { inCallersStack } from './caller-stack.ts';
import { hasRoomFor, type Datagram } from './datagram.ts';
import { Inbox, type Source } from './inbox.ts';
import { iterate } from './iterate.ts';
import { aborted } from './sockets/deadline.ts';
import { closedHere } from './sockets/errors.ts';
import type { DatagramChannel } from './sockets/network-sockets.ts';

/** Options of DatagramSocket.request. The timeout covers all attempts. */
export interface RequestOptions extends OperationOptions {
  /** How many times it is sent at most, 1 … 1000. Default 3. */
  attempts?: number | undefined;
  /** Milliseconds that an answer may take before it is sent again, or given up, 1 … 2^31 - 1. Default 1000. */
  retryAfter?: number | undefined;
  /** Which datagram of the peer is the answer. Default: each. */
  match?: ((answer: Datagram) => boolean) | undefined;
}

/** One of the datagrams of DatagramSocket.sendMany. */
export interface DatagramToSend {
  /** Bytes, several pieces that make one datagram, or text in UTF-8. */
  readonly data: string | WriteData;
  /** Where it goes. */
  readonly to: Destination;
}

const DEFAULT_ATTEMPTS = 3;
const MAX_ATTEMPTS = 1000;
const DEFAULT_RETRY_MS = 1000;
const MAX_MS = 2 ** 31 - 1;
const NO_OPTIONS: OperationOptions = {};

/** A UDP socket, made by bindUdp(). A datagram arrives whole or not at all; nothing says that it arrives. */
export class DatagramSocket {
  /** Where it is bound. */
  readonly endpoint: Endpoint;
  readonly #channel: DatagramChannel;
  readonly #scheduler: Scheduler;
  readonly #inbox: Inbox<Datagram>;
  #closed: Promise<void> | null = null;

  /** @internal bindUdp() makes sockets. */
  constructor(channel: DatagramChannel, scheduler: Scheduler) {
    this.endpoint = channel.endpoint;
    this.#channel = channel;
    this.#scheduler = scheduler;
    const source: Source<Datagram> = {
      next: (arrived) => channel.receive(arrived),
      stop: () => channel.stopReceiving(),
    };
    this.#inbox = new Inbox(source, scheduler, hasRoomFor);
  }

  /** The port that it is bound to. */
  get port(): number {
    return this.endpoint.port;
  }

  /**
   * The next datagram. Several calls may wait; they are served in order. One that is aborted or times out takes none with it.
   * @throws NetworkError ConnectionClosed (ECANCELED) when the socket is closed here.
   */
  async receive(options: OperationOptions = NO_OPTIONS): Promise<Datagram> {
    try {
      this.#requireOpen(options);
      return await this.#inbox.next(null, options);
    } catch (error) {
      return inCallersStack(error);
    }
  }

  /** The datagrams as they come, until the socket is closed. A loop that is left early closes it. */
  [Symbol.asyncIterator](): AsyncGenerator<Datagram, undefined, undefined> {
    return iterate(
      () => this.#next(),
      () => this.close(),
    );
  }

  /**
   * Sends one datagram. Done when the system has taken it, which does not say that it arrives; the data is yours again then.
   * @param data bytes, several pieces that make one datagram, or text in UTF-8
   * @param to where to; an Endpoint is one, so that a datagram can be answered: `send(answer, datagram.remote)`
   */
  async send(data: string | WriteData, to: Destination, options: OperationOptions = NO_OPTIONS): Promise<void> {
    try {
      this.#requireOpen(options);
      requireDestination(to);
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      await new Promise<void>((resolve, reject) => {
        this.#channel.send(bytes, to, options, (error) => (error === null ? resolve() : reject(error)));
      });
    } catch (error) {
      inCallersStack(error);
    }
  }

  /**
   * Sends datagrams, in order: for who has many at a time. Done when the system has taken all of them, rejected with the first error when the
   * others are over. Nothing is sent when one of them is a mistake (on node:dgram, those before it are).
   * @param list each has its data, as send() takes it, and where it goes
   */
  async sendMany(list: readonly DatagramToSend[], options: OperationOptions = NO_OPTIONS): Promise<void> {
    try {
      this.#requireOpen(options);
      if (options.timeout !== undefined) requireInteger('timeout', options.timeout, 1, MAX_MS);
      const sends = Array.from(list, ({ data, to }) => {
        requireDestination(to);
        return { data: typeof data === 'string' ? Buffer.from(data) : data, to };
      });
      await new Promise<void>((resolve, reject) => {
        this.#channel.sendMany(sends, options, (error) => (error === null ? resolve() : reject(error)));
      });
    } catch (error) {
      inCallersStack(error);
    }
  }

  /**
   * Sends a datagram and waits for its answer: the next datagram from there that matches. Without one it is sent again, so the peer
   * may get it several times. Whatever else comes meanwhile goes to receive().
   * @throws NetworkError Timeout (ETIMEDOUT) when no answer has come.
   */
  async request(data: string | WriteData, to: Destination, options: RequestOptions = NO_OPTIONS): Promise<Datagram> {
    const { attempts = DEFAULT_ATTEMPTS, retryAfter = DEFAULT_RETRY_MS, match = () => true } = options;
    requireInteger('attempts', attempts, 1, MAX_ATTEMPTS);
    requireInteger('retryAfter', retryAfter, 1, MAX_MS);
    const timers: TimerHandle[] = [];
    const isAnswer = (came: Datagram): boolean => isFrom(came.remote, to) && match(came);
    try {
      this.#requireOpen(options);
      const answer = this.#inbox.next(isAnswer, options);
      let sent = 0;
      const send = (): void => {
        if (sent === attempts) return this.#inbox.giveUp(isAnswer, noAnswer(to, attempts));
        sent++;
        this.send(data, to).catch((error: unknown) => this.#inbox.giveUp(isAnswer, error as Error));
        timers[0] = this.#scheduler.setTimer(retryAfter, send);
      };
      send();
      return await answer;
    } catch (error) {
      return inCallersStack(error);
    } finally {
      for (const timer of timers) this.#scheduler.clearTimer(timer);
    }
  }

  /** Closes; what is pending is rejected, and what was given to the system is sent. Never rejected; a second call waits for the first. */
  close(): Promise<void> {
    if (this.#closed === null) {
      this.#closed = new Promise((resolve) => {
        this.#channel.close(resolve);
      });
      this.#inbox.close(() => closedHere('socket'));
    }
    return this.#closed;
  }

  /** True once close() was called. */
  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Keeps (the default) the process alive while a call is pending. */
  ref(): void {
    this.#channel.ref();
  }

  /** Lets the process end although a call is pending. */
  unref(): void {
    this.#channel.unref();
  }

  /** close(), for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Null when the socket was closed here meanwhile. */
  async #next(): Promise<Datagram | null> {
    try {
      return await this.receive();
    } catch (error) {
      if (this.isClosed) return null;
      throw error;
    }
  }

  #requireOpen({ signal }: OperationOptions): void {
    if (this.isClosed) throw closedHere('socket');
    if (signal?.aborted === true) throw aborted(signal);
  }
}

/** A datagram that is sent to the unspecified address goes to this machine, and is answered by its loopback address. */
function isFrom({ address, port }: Endpoint, to: Destination): boolean {
  if (port !== to.port) return false;
  return address === to.address || to.address === '0.0.0.0' || to.address === '::';
}

function noAnswer({ address, port }: Destination, attempts: number): NetworkError {
  return new NetworkError(`request ETIMEDOUT ${address} port ${port}: sent ${attempts} times, and no answer has come`, {
    kind: NetworkErrorCode.Timeout,
    code: 'ETIMEDOUT',
    address,
    port,
  });
}

function requireDestination(to: unknown): void {
  if (typeof to !== 'object' || to === null) throw wrongType('to', 'an object with an address and a port', to);
}
