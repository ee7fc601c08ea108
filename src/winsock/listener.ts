/** One listening socket: its pool of AcceptEx operations, and who waits for connections. acceptor.ts acts on it. */
import type { AcceptCallback } from '../pal/network-pal.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { Connection } from './connection.ts';
import { Fifo } from './fifo.ts';
import type { TimerHandle } from './kernel.ts';
import type { Operation } from './operation.ts';
import { SocketRecord } from './socket-record.ts';

/** What accepted sockets are given. */
export interface AcceptedOptions {
  readonly receiveBufferSize: number | undefined;
  readonly sendBufferSize: number | undefined;
  readonly noDelay: boolean;
}

/** One asyncAccept. */
export interface AcceptRequest {
  readonly callback: AcceptCallback;
  readonly origin: string | undefined;
}

export class Listener extends SocketRecord {
  /** AcceptEx operations and untaken connections together never exceed this. */
  acceptDepth = 1;
  options: AcceptedOptions = { receiveBufferSize: undefined, sendBufferSize: undefined, noDelay: false };
  onAcceptError: ((error: NetworkError) => void) | undefined;
  /** The AcceptEx operations that are posted. */
  readonly accepting = new Set<Operation>();
  readonly waiting = new Fifo<AcceptRequest>();
  readonly accepted = new Fifo<Connection>();
  /** Failed accepts in a row: what the back-off grows with. */
  failures = 0;
  /** Accepts in a row that failed because their connection was gone. */
  gone = 0;
  retryTimer: TimerHandle | null = null;

  override *operations(): Iterable<Operation> {
    yield* this.accepting;
  }
}
