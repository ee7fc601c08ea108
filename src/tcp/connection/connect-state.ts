/** An attempt to connect. Connections that were accepted have none. Whatever changes it goes through the methods here. */
import type { Operation } from '../../memory/operation.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { ConnectRequest } from './requests.ts';

/** A name that is being resolved and connected to (by-name/name-connector.ts), as the connection sees it. */
export interface NameAttempts {
  /** Nobody waits for it any more. */
  stop(): void;
  /** Ends it with an error, unless a success is on its way. */
  cancel(error: NetworkError): true;
  /** Where it is going, and how far it has come. */
  describe(): string;
}

export class ConnectState {
  /** Who waits; null once that was answered. */
  request: ConnectRequest | null;
  operation: Operation | null = null;
  /** The name that is being resolved and connected to; there is no SOCKET meanwhile. */
  name: NameAttempts | null = null;

  constructor(request: ConnectRequest) {
    this.request = request;
  }

  begin(operation: Operation): void {
    this.operation = operation;
  }

  finish(): void {
    this.operation = null;
  }

  resolve(name: NameAttempts): void {
    this.name = name;
  }

  /** The name has its connection, or is given up. Returns it. */
  resolved(): NameAttempts | null {
    const { name } = this;
    this.name = null;
    return name;
  }

  /** Who waits is being answered. Returns the request, once. */
  answer(): ConnectRequest | null {
    const { request } = this;
    this.request = null;
    return request;
  }
}
