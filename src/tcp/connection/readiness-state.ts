/** What the readiness calls know of a connection; most have none. Whatever changes it goes through the methods here. */
import type { Operation } from '../../memory/operation.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { Connection } from './connection.ts';

export class ReadinessState {
  zeroByteReceive: Operation | null = null;
  /** An error that is kept to be reported again, since the system may report it only once. */
  failure: NetworkError | null = null;
  /** What is queued for writing came from tryWrite. */
  tryWriting = false;

  begin(zeroByteReceive: Operation): void {
    this.zeroByteReceive = zeroByteReceive;
  }

  finish(): void {
    this.zeroByteReceive = null;
  }

  /** Keeps the first error. Returns it. */
  fail(error: NetworkError): NetworkError {
    this.failure ??= error;
    return this.failure;
  }

  beginWrite(): void {
    this.tryWriting = true;
  }

  finishWrite(): void {
    this.tryWriting = false;
  }
}

/** The state of a connection that the readiness calls use. */
export function readinessOf(connection: Connection): ReadinessState {
  connection.readiness ??= new ReadinessState();
  return connection.readiness;
}
