/** What connections have to do with the server that accepted them, for as long as they live. */
import type { Context } from '../../context/context.ts';
import type { Operation } from '../../memory/operation.ts';
import type { ProxyHeader } from '../../pal/proxy-protocol.ts';
import type { AcceptingServer, Connection } from '../connection/connection.ts';
import { fillPool } from './accept-pool.ts';
import type { Listener } from './listener.ts';
import { completeDisconnect, mayReuse, startDisconnect } from './socket-reuse.ts';

/** One object for all connections of a server that have the same `address`. */
export class AcceptedBy implements AcceptingServer {
  readonly proxyHeader: ProxyHeader | null = null;
  readonly #listener: Listener;
  readonly #address: string | null;

  /** @param address under which the connections count there; null: each under its peer's */
  constructor(listener: Listener, address: string | null) {
    this.#listener = listener;
    this.#address = address;
  }

  get reusesSockets(): boolean {
    return this.#listener.spares !== null;
  }

  connectionGone(context: Context, connection: Connection): void {
    this.#listener.limits.closed(this.addressOf(connection));
    fillPool(context, this.#listener);
  }

  recycle(context: Context, connection: Connection): boolean {
    return mayReuse(context, connection, this.#listener) && startDisconnect(context, connection);
  }

  disconnected(context: Context, connection: Connection, operation: Operation): void {
    completeDisconnect(context, connection, this.#listener, operation);
  }

  /** What it counts under; null when it never was known whose it is. */
  protected addressOf({ peer }: Connection): string | null {
    return this.#address ?? peer?.address ?? '';
  }
}

/** One object for each connection that begins with a PROXY header: until that has come, it is nobody's. */
export class ProxiedBy extends AcceptedBy {
  override proxyHeader: ProxyHeader | null = null;
  #isNamed = false;

  constructor(listener: Listener) {
    super(listener, null);
  }

  /** The header has said whose it is, which is the connection's peer now: it counts under that address. */
  named(header: ProxyHeader): void {
    this.proxyHeader = header;
    this.#isNamed = true;
  }

  protected override addressOf(connection: Connection): string | null {
    return this.#isNamed ? super.addressOf(connection) : null;
  }
}
