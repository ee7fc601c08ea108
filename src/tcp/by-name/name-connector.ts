/**
 * Connecting to a host name.
 *
 *   asyncConnect('example.com') ─► a record without a SOCKET: its handle is the caller's from now on
 *                               ─► two lookups, AAAA and A, at the same time
 *                               ─► attempts, when happy-eyeballs.ts says so: each an internal Connection with a SOCKET and
 *                                  a handle of its own, connected by connector.ts like any other
 *     the first that succeeds   ─► its SOCKET moves into the caller's record, and the key with it, under which the port
 *                                  knows the SOCKET for good; the internal record is gone
 *                                  the other attempts are reset: cancelled, their packets awaited, their SOCKETs closed
 *     all have failed           ─► one error that lists them
 *     closed, reset, stopped,   ─► connector.ts answers the caller, and stops this: what is under way is reset. A lookup
 *     cancelled, out of time       cannot be called back; its answer is ignored
 *
 * Everything that the resolver answers is taken in a turn of the event loop, so nothing happens inside asyncConnect.
 */
import { lookup as dnsLookup } from 'node:dns';
import { formatIpAddress, type IpAddress } from '../../pal/ip-address.ts';
import type { Endpoint } from '../../pal/handles.ts';
import type { AttemptCallback } from '../../pal/names.ts';
import { bound } from '../../platform/async-context.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { ConnectCallback, ConnectOptions } from '../../pal/network-pal.ts';
import { abort } from '../../sockets/closer.ts';
import { abandonConnect, announceConnect, beginConnect, connect } from '../connector.ts';
import type { NameAttempts } from '../connection/connect-state.ts';
import type { Connection } from '../connection/connection.ts';
import { addConnection } from '../connection-kind.ts';
import type { Context } from '../../context/context.ts';
import { tooManySockets } from '../../util/errors.ts';
import { DEFAULT_ATTEMPT_DELAY_MS, HappyEyeballs, type Family } from './happy-eyeballs.ts';
import { connectTimedOut, LOOKUP, noneConnected, notResolved, weightiest } from './name-errors.ts';
import { lookUp } from './name-lookup.ts';
import { CONNECT_OPTIONS, readOptions } from '../../util/read-options.ts';
import { MAX_SOCKETS } from '../../sockets/socket-table.ts';

export interface NameTarget {
  readonly name: string;
  readonly port: number;
  /** Which addresses are asked for; at least one family. */
  readonly families: readonly Family[];
  readonly localAddress: IpAddress | null;
  readonly localPort: number;
}

/** Starts to connect a fresh record. Whatever fails arrives in the callback. */
export function connectByName(
  context: Context,
  connection: Connection,
  target: NameTarget,
  options: ConnectOptions,
  callback: ConnectCallback,
): void {
  if (!beginConnect(context, connection, options, callback)) return;
  const connecting = new NameConnect(context, connection, target, options);
  connection.connect?.resolve(connecting);
  connecting.start();
}

interface Attempt {
  /** What it has failed with; null before. */
  error: NetworkError | null;
}

/** One name on its way to a connection. */
class NameConnect implements NameAttempts {
  readonly #context: Context;
  readonly #connection: Connection;
  readonly #target: NameTarget;
  readonly #options: ConnectOptions;
  readonly #eyeballs: HappyEyeballs<IpAddress>;
  readonly #underWay = new Set<Connection>();
  readonly #attempts: Attempt[] = [];
  readonly #unresolved: NetworkError[] = [];
  readonly #onAttempt: AttemptCallback | null;
  /** What onAttempt has not been told yet. */
  readonly #untold: { readonly error: NetworkError | null; readonly peer: Endpoint }[] = [];
  #over = false;
  #cancellation: NetworkError | null = null;

  constructor(context: Context, connection: Connection, target: NameTarget, options: ConnectOptions) {
    this.#context = context;
    this.#connection = connection;
    this.#target = target;
    this.#options = options;
    const { onAttempt } = options;
    this.#onAttempt = onAttempt === undefined ? null : bound('connect', onAttempt);
    // Two attempts cannot be bound to the same local port.
    const delay = target.localPort === 0 ? (options.attemptDelay ?? DEFAULT_ATTEMPT_DELAY_MS) : null;
    this.#eyeballs = new HappyEyeballs(context.platform.scheduler, target.families, delay, {
      attempt: (address) => this.#attempt(address),
      exhausted: () => this.#fail(),
    });
  }

  start(): void {
    const { lookup = dnsLookup } = this.#options;
    for (const family of this.#target.families) {
      // A lookup function is the caller's: it may have stopped the loop, or aborted the signal.
      if (this.#over) return;
      lookUp(lookup, this.#target.name, family, (error, addresses) => {
        // The PAL may have stopped and forgotten its context by now.
        if (!this.#over) this.#context.loop.enqueue(() => this.#resolved(family, error, addresses));
      });
    }
  }

  stop(): void {
    this.#over = true;
    this.#eyeballs.stop();
    for (const attempt of this.#underWay) abort(this.#context, attempt);
    this.#underWay.clear();
  }

  describe(): string {
    const { name, port } = this.#target;
    if (this.#attempts.length === 0) return `${name} port ${port}, being resolved`;
    return `${name} port ${port}, ${this.#underWay.size} of ${this.#attempts.length} attempts under way`;
  }

  #resolved(family: Family, error: unknown, addresses: readonly IpAddress[]): void {
    if (this.#over) return;
    if (error !== null) this.#unresolved.push(notResolved(this.#target, error));
    this.#eyeballs.resolved(family, addresses);
  }

  #attempt(address: IpAddress): void {
    const { port, localAddress, localPort } = this.#target;
    const { origin } = this.#connection;
    const tried: Attempt = { error: null };
    this.#attempts.push(tried);
    this.#tell(null, address);
    const attempt = addConnection(this.#context, address.family, origin);
    if (attempt === null) {
      this.#lost(tried, address, tooManySockets(MAX_SOCKETS));
      return;
    }
    // The caller's callback is what may keep the process alive.
    attempt.referenced = false;
    this.#underWay.add(attempt);
    const { noDelay = false } = this.#options;
    const options = readOptions<ConnectOptions>({ noDelay }, CONNECT_OPTIONS);
    connect(this.#context, attempt, { address, port, localAddress, localPort }, options, (error) => {
      if (this.#over) return;
      if (error === null) return this.#succeed(attempt);
      this.#underWay.delete(attempt);
      this.#lost(tried, address, error);
    });
  }

  #succeed(attempt: Connection): void {
    try {
      this.#tellAll(); // a success may overtake what is enqueued
    } finally {
      this.#untold.length = 0;
      // Whoever was told may have closed the connection, and this attempt with it.
      if (!this.#over) this.#won(attempt);
    }
  }

  #won(attempt: Connection): void {
    const connection = this.#connection;
    this.#underWay.delete(attempt);
    connection.connect?.resolved();
    this.stop();
    connection.takeSocket(attempt);
    this.#context.transport.move(attempt, connection);
    attempt.closing = true;
    attempt.closed = true;
    this.#context.sockets.remove(attempt);
    announceConnect(this.#context, connection);
  }

  #lost(tried: Attempt, address: IpAddress, error: NetworkError): void {
    tried.error = error;
    this.#tell(error, address);
    if (this.#cancellation !== null) this.cancel(this.#cancellation);
    else this.#eyeballs.failed();
  }

  /** Not here: what the function does, closing this connection for one, must not come in between. */
  #tell(error: NetworkError | null, address: IpAddress): void {
    if (this.#onAttempt === null) return;
    const peer = { address: formatIpAddress(address), port: this.#target.port, family: address.family };
    this.#untold.push({ error, peer });
    this.#context.loop.enqueue(() => this.#tellNext());
  }

  #tellNext(): void {
    const next = this.#untold.shift();
    if (next !== undefined) this.#onAttempt?.(next.error, next.peer);
  }

  #tellAll(): void {
    while (this.#untold.length > 0) this.#tellNext();
  }

  /** The last attempt has failed, or there was none. */
  #fail(): void {
    const unresolved = this.#attempts.length === 0 ? weightiest(this.#unresolved) : undefined;
    abandonConnect(this.#context, this.#connection, unresolved ?? noneConnected(this.#target, this.#failures()));
  }

  /** Cancelled, or out of time: it ends with this error, unless a success is on its way. The first reason counts. */
  cancel(error: NetworkError): true {
    this.#cancellation ??= error;
    this.#eyeballs.stop();
    // A success whose outcome is queued already wins: it is delivered in the coming turn. A failure comes back here.
    for (const { connect } of this.#underWay) if (connect?.operation?.isInKernel === false) return true;
    const { timeout = 0 } = this.#options;
    const reason =
      this.#cancellation.kind === NetworkErrorCode.Timeout
        ? connectTimedOut(this.#target, timeout, this.#failures(), this.#underWay.size, this.#awaited())
        : this.#cancellation;
    abandonConnect(this.#context, this.#connection, reason);
    return true;
  }

  /** The system call that it is waiting for, or the last that it knows of. */
  #awaited(): string {
    for (const { connect } of this.#underWay) if (connect?.operation) return connect.operation.syscall;
    return this.#failures().at(-1)?.syscall ?? LOOKUP;
  }

  #failures(): NetworkError[] {
    return this.#attempts.flatMap(({ error }) => error ?? []);
  }
}
