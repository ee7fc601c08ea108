/** What connections have to do with the server that accepted them, for as long as they live. */
import type { Context } from '../../context/context.ts';
import type { Operation } from '../../memory/operation.ts';
import type { AcceptingServer, Connection } from '../connection/connection.ts';
import { fillPool } from './accept-pool.ts';
import type { Listener } from './listener.ts';
import { completeDisconnect, mayReuse, startDisconnect } from './socket-reuse.ts';

/** One object for all connections of a server that have the same `address`. */
export class AcceptedBy implements AcceptingServer {
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

  connectionGone(context: Context, { peer }: Connection): void {
    this.#listener.limits.closed(this.#address ?? peer?.address ?? '');
    fillPool(context, this.#listener);
  }

  recycle(context: Context, connection: Connection): boolean {
    return mayReuse(context, connection, this.#listener) && startDisconnect(context, connection);
  }

  disconnected(context: Context, connection: Connection, operation: Operation): void {
    completeDisconnect(context, connection, this.#listener, operation);
  }
}
