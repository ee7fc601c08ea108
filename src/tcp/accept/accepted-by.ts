/** What a connection has to do with the server that accepted it, for as long as it lives. */
import type { Context } from '../../context/context.ts';
import type { Operation } from '../../memory/operation.ts';
import type { AcceptingServer, Connection } from '../connection/connection.ts';
import { fillPool } from './accept-pool.ts';
import type { Listener } from './listener.ts';
import { completeDisconnect, mayReuse, startDisconnect } from './socket-reuse.ts';

export class AcceptedBy implements AcceptingServer {
  readonly #listener: Listener;
  /** The address under which it counts there. */
  readonly #address: string;

  constructor(listener: Listener, address: string) {
    this.#listener = listener;
    this.#address = address;
  }

  get reusesSockets(): boolean {
    return this.#listener.spares !== null;
  }

  connectionGone(context: Context): void {
    this.#listener.limits.closed(this.#address);
    fillPool(context, this.#listener);
  }

  recycle(context: Context, connection: Connection): boolean {
    return mayReuse(context, connection, this.#listener) && startDisconnect(context, connection);
  }

  disconnected(context: Context, connection: Connection, operation: Operation): void {
    completeDisconnect(context, connection, this.#listener, operation);
  }
}
