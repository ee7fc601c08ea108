/** What the members of the poll set have in common: the end of an operation, and the end of the socket. */
import { POLLNVAL } from '../../ffi/constants.ts';
import { WSAENOBUFS, WSAENOTSOCK } from '../../ffi/wsa-errors.ts';
import { CONTEXT, OperationState, type Operation } from '../winsock/operation.ts';
import type { BackendParts } from '../winsock/transport.ts';
import type { PolledSocket, PollSet } from './poll-set.ts';

/** One attached socket: the operations on it that wait. */
export abstract class PolledMember implements PolledSocket {
  readonly socket: number;
  place = -1;
  noted = false;
  protected readonly parts: BackendParts;
  readonly #set: PollSet;
  #gone = false;

  constructor(parts: BackendParts, set: PollSet, socket: number) {
    this.parts = parts;
    this.#set = set;
    this.socket = socket;
  }

  /** Events to wait for, while the socket is attached. */
  protected abstract readonly events: number;

  /** One of the operations is a connect. */
  protected abstract readonly connects: boolean;

  /** Does what the events allow. */
  protected abstract act(revents: number): void;

  /** The operations that wait, as they are now. */
  protected abstract waiting(): readonly Operation[];

  /** The operation does not wait any more. */
  abstract forget(operation: Operation): void;

  get wanted(): number {
    return this.#gone ? 0 : this.events;
  }

  get connecting(): boolean {
    return !this.#gone && this.connects;
  }

  leave(): void {
    this.#gone = true;
    this.changed();
  }

  ready(revents: number): void {
    if (this.#gone) return;
    try {
      if ((revents & POLLNVAL) !== 0)
        this.#failAll(WSAENOTSOCK); // closed behind our back
      // Each thing it does may run callbacks, which may start or forget operations: so each looks at what is there now.
      else this.act(revents);
    } finally {
      this.changed();
    }
  }

  /** A call that the system has no memory for ends so as well. */
  refused(): void {
    this.#failAll(WSAENOBUFS);
  }

  /** What it waits for may be another thing now. */
  protected changed(): void {
    this.#set.changed(this);
  }

  protected transferred(operation: Operation): number {
    return this.parts.operations.words[operation.word + CONTEXT.BYTES / 4] ?? 0;
  }

  /** Ends an operation that waits no more. @param error Winsock error code, 0 for success. */
  protected complete(operation: Operation, error: number, bytes: number): void {
    operation.state = OperationState.Completed;
    operation.error = error;
    operation.bytes = bytes;
    this.parts.completed(operation);
  }

  /** Ends every operation that waits. @param error Winsock error code */
  #failAll(error: number): void {
    // Each forgetting may refuse the rest.
    for (let [operation] = this.waiting(); operation !== undefined; [operation] = this.waiting()) {
      this.forget(operation);
      this.parts.finishInline(operation, error, 0);
    }
  }
}
