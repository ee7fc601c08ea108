/** What a connection has to do with the server that accepted it, for as long as it lives. */
import type { Driver } from '../../context/context.ts';
import type { Operation } from '../../memory/operation.ts';
import type { AcceptingServer, Connection } from '../connection.ts';
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

  connectionGone(driver: Driver): void {
    this.#listener.limits.closed(this.#address);
    fillPool(driver, this.#listener);
  }

  recycle(driver: Driver, connection: Connection): boolean {
    return mayReuse(driver, connection, this.#listener) && startDisconnect(driver, connection);
  }

  disconnected(driver: Driver, connection: Connection, operation: Operation): void {
    completeDisconnect(driver, connection, this.#listener, operation);
  }
}
