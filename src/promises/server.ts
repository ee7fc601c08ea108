/** A listening socket, with promises. docs/promises.md explains it. */
import process from 'node:process';
import { inspect } from 'node:util';
import type { Endpoint } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { OperationOptions } from '../pal/pending-operation.ts';
import type { Scheduler } from '../platform/platform.ts';
import { requireFunction, requireInteger } from '../util/validate.ts';
import { inCallersStack } from './caller-stack.ts';
import { Inbox, type Source } from './inbox.ts';
import { iterate } from './iterate.ts';
import { Connection } from './connection.ts';
import { aborted } from './sockets/deadline.ts';
import { closedHere } from './sockets/errors.ts';
import type { ListeningSocket, StreamSocket } from './sockets/network-sockets.ts';

/** Options of Server.close. */
export interface ServerCloseOptions {
  /** Milliseconds that connections which are open may take to end, 0 … 2^31 - 1. Default 5000. Then they are reset. */
  timeout?: number | undefined;
}

/** Options of Server.serve. */
export interface ServeOptions {
  /** Closes the server when it is aborted, as close() without options does. */
  signal?: AbortSignal | undefined;
  /** Connections that are served at a time, 1 … 2^31 - 1; what is beyond waits in the system's backlog. Default: no limit. */
  maxConnections?: number | undefined;
  /**
   * Told what a handler was rejected with, unless that is because the connection was closed here. Default: errors of the network are the
   * peer's and nobody's concern, and of any other there is a warning (IOCP_PAL_HANDLER_FAILED).
   */
  onError?: ((error: unknown, connection: Connection) => void) | undefined;
}

/** What serve() hands connections to. It may be asynchronous: the connection is closed when it has ended. */
export type ConnectionHandler = (connection: Connection) => unknown;

const DEFAULT_CLOSE_MS = 5000;
const MAX_MS = 2 ** 31 - 1;
const MAX_CONNECTIONS = 2 ** 31 - 1;
const NO_OPTIONS: OperationOptions = {};

/** A listening socket, made by listen(). */
export class Server {
  /** Where it listens. */
  readonly endpoint: Endpoint;
  readonly #socket: ListeningSocket;
  readonly #scheduler: Scheduler;
  readonly #inbox: Inbox<Connection>;
  readonly #connections = new Set<Connection>();
  #closed: Promise<void> | null = null;
  /** Ends the wait of close(). */
  #onLastClosed: (() => void) | null = null;

  /** @internal listen() makes servers. */
  constructor(socket: ListeningSocket, scheduler: Scheduler) {
    this.endpoint = socket.endpoint;
    this.#socket = socket;
    this.#scheduler = scheduler;
    const source: Source<Connection> = {
      next: (arrived) =>
        socket.accept((error, stream) => {
          arrived(error, stream === null ? [] : [this.#take(stream)]);
        }),
      stop: () => socket.stopAccepting(),
    };
    this.#inbox = new Inbox(source, scheduler);
  }

  /** The port that it listens at. */
  get port(): number {
    return this.endpoint.port;
  }

  /** Connections that were taken from it, and are not closed yet. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Takes the next connection. Several calls may wait; they are served in order. What nobody takes waits in the system's backlog.
   * @throws NetworkError ConnectionClosed (ECANCELED) when the server is closed here.
   */
  async accept(options: OperationOptions = NO_OPTIONS): Promise<Connection> {
    try {
      if (this.#closed !== null) throw closedHere('server');
      if (options.signal?.aborted === true) throw aborted(options.signal);
      return await this.#inbox.next(null, options);
    } catch (error) {
      return inCallersStack(error);
    }
  }

  /** The connections as they come, until the server is closed. A loop that is left early closes the server. */
  [Symbol.asyncIterator](): AsyncGenerator<Connection, undefined, undefined> {
    return iterate(
      () => this.#next(),
      () => this.close(),
    );
  }

  /**
   * Hands each connection to the handler. When the handler has ended the connection is closed: in order, or with RST when the handler
   * was rejected, since a FIN would tell the peer that it has got everything. Rejected because the connection was closed here, it
   * leaves that to end as it was asked to.
   *
   * Done when the server is closed, and every handler has ended.
   * @throws what onError throws, and TypeError or RangeError for the options.
   */
  async serve(handler: ConnectionHandler, options: ServeOptions = {}): Promise<void> {
    const { signal, maxConnections = MAX_CONNECTIONS, onError = warn } = options;
    requireFunction('handler', handler);
    requireFunction('onError', onError);
    requireInteger('maxConnections', maxConnections, 1, MAX_CONNECTIONS);
    const close = (): void => void this.close();
    signal?.addEventListener('abort', close, { once: true });
    const served = new Set<Promise<void>>();
    const failures: unknown[] = [];
    try {
      if (signal?.aborted === true) close();
      for (;;) {
        while (served.size >= maxConnections) await Promise.race(served);
        const connection = await this.#next();
        if (connection === null) break;
        const serving = handle(handler, connection, onError)
          .catch((error: unknown) => {
            failures.push(error);
            close();
          })
          .finally(() => served.delete(serving));
        served.add(serving);
      }
      await Promise.all(served);
      await this.#closed;
    } finally {
      signal?.removeEventListener('abort', close);
    }
    if (failures.length > 0) throw failures[0];
  }

  /**
   * Stops listening at once, then waits until the connections that were taken from it are closed; after `timeout` milliseconds it
   * resets those that are left. Rejected for a timeout that makes no sense, and for nothing else; a second call waits for the first.
   */
  async close({ timeout = DEFAULT_CLOSE_MS }: ServerCloseOptions = {}): Promise<void> {
    requireInteger('timeout', timeout, 0, MAX_MS);
    await (this.#closed ??= this.#close(timeout));
  }

  /** True once close() was called. */
  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Keeps (the default) the process alive while somebody waits for a connection. */
  ref(): void {
    this.#socket.ref();
  }

  /** Lets the process end although somebody waits for a connection. */
  unref(): void {
    this.#socket.unref();
  }

  /** close(), for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Null when the server was closed here meanwhile. */
  async #next(): Promise<Connection | null> {
    try {
      return await this.accept();
    } catch (error) {
      if (this.isClosed) return null;
      throw error;
    }
  }

  async #close(timeout: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#socket.close(resolve);
    });
    for (const connection of this.#inbox.close(() => closedHere('server'))) void connection.reset();
    await closed;
    if (this.#connections.size === 0) return;
    const lastClosed = new Promise<void>((resolve) => {
      this.#onLastClosed = resolve;
    });
    const timer = this.#scheduler.setTimer(
      timeout,
      () => {
        for (const connection of this.#connections) void connection.reset();
      },
      true,
    );
    await lastClosed;
    this.#scheduler.clearTimer(timer);
  }

  #take(stream: StreamSocket): Connection {
    const connection = new Connection(stream, this.#scheduler, this.#forget);
    this.#connections.add(connection);
    if (this.isClosed) void connection.reset(); // it came while the server was being closed: nobody takes it any more
    return connection;
  }

  readonly #forget = (connection: Connection): void => {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onLastClosed?.();
  };
}

async function handle(
  handler: ConnectionHandler,
  connection: Connection,
  onError: NonNullable<ServeOptions['onError']>,
): Promise<void> {
  try {
    await handler(connection);
    await connection.close();
  } catch (error) {
    const closedHere =
      connection.isClosed && error instanceof NetworkError && error.kind === NetworkErrorCode.ConnectionClosed;
    // Who closed it while the handler was reading wants it to end in order: a reset would drop what is still being sent.
    if (closedHere) return connection.close();
    await connection.reset();
    onError(error, connection);
  }
}

/** What is told of a handler's failure when nobody asked to be told. */
function warn(error: unknown): void {
  if (error instanceof NetworkError) return;
  const text = error instanceof Error ? (error.stack ?? error.message) : inspect(error);
  process.emitWarning(`A handler of serve() failed: ${text}`, { code: 'IOCP_PAL_HANDLER_FAILED' });
}
