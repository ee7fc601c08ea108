/** What the members of the poll set have in common: the end of an operation, and the end of the socket. */
import { Win32Error } from '../../ffi/check.ts';
import { POLLNVAL } from '../../ffi/constants.ts';
import { WSAENOBUFS, WSAENOTSOCK, WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import { codeOfThrown } from '../sockets/abandon.ts';
import { SLOT, OperationState, type Operation } from '../memory/operation.ts';
import type { BackendParts } from '../context/transport.ts';
import type { PollSet } from './poll-set.ts';
import type { PolledSocket } from './polled-socket.ts';

/** One attached socket: the operations on it that wait. */
export abstract class PolledMember implements PolledSocket {
  readonly socket: number;
  place = -1;
  noted = false;
  protected readonly parts: BackendParts;
  readonly #set: PollSet;
  #gone = false;
  /** Operations that have ended, modulo 2^32. */
  #ended = 0;
  /** Whose call is being made, until it has ended: what throws then is not a callback's. */
  #trying: Operation | null = null;
  /** The events that it waited for when a report held none of them and nothing could be done; 0 for none. */
  #restsFrom = 0;

  constructor(parts: BackendParts, set: PollSet, socket: number) {
    this.parts = parts;
    this.#set = set;
    this.socket = socket;
  }

  /** Events to wait for, while the socket is attached. */
  protected abstract readonly events: number;

  /** One of the operations is a connect. */
  protected abstract readonly connects: boolean;

  protected abstract act(revents: number): void;

  /** The operations that wait, as they are now. */
  protected abstract waiting(): readonly Operation[];

  /** The operation does not wait any more. */
  abstract forget(operation: Operation): void;

  get wanted(): number {
    return this.#gone || this.resting ? 0 : this.events;
  }

  get connecting(): boolean {
    return !this.#gone && this.connects;
  }

  get resting(): boolean {
    return !this.#gone && this.#restsFrom !== 0 && this.#restsFrom === this.events;
  }

  rested(): void {
    this.#restsFrom = 0;
  }

  leave(): void {
    this.#gone = true;
    this.changed();
  }

  ready(revents: number): void {
    if (this.#gone) return;
    const ended = this.#ended;
    try {
      if ((revents & POLLNVAL) !== 0)
        this.#failAll(WSAENOTSOCK); // closed behind our back
      // Each thing it does may run callbacks, which may start or forget operations: so each looks at what is there now.
      else this.act(revents);
    } catch (error) {
      this.#abandon(error);
    } finally {
      this.#trying = null;
      // Nobody asks for POLLHUP and POLLERR, and both are reported for as long as they are true: after the peer's FIN a send
      // that cannot go on would be woken without end.
      const { events } = this;
      this.#restsFrom = revents !== 0 && this.#ended === ended && (revents & events) === 0 ? events : 0;
      this.changed();
    }
  }

  /** A call that the system has no memory for ends so as well. */
  refused(): void {
    this.#failAll(WSAENOBUFS);
  }

  protected changed(): void {
    this.#set.changed(this);
  }

  protected transferred(operation: Operation): number {
    return this.parts.operations.words[operation.word + SLOT.BYTES / 4] ?? 0;
  }

  /** The call of an operation that waits is about to be made. */
  protected trying(operation: Operation): void {
    this.#trying = operation;
  }

  /**
   * Makes the call of each operation that waits, until the system has nothing more for it. Of those that wait now: a callback
   * that starts another one must not keep the other sockets waiting.
   * @param call returns 0 or the error code
   */
  protected tryEach(waiting: Set<Operation>, call: (operation: Operation) => number): void {
    for (const operation of [...waiting]) {
      if (!waiting.has(operation)) continue;
      this.trying(operation);
      const code = call(operation);
      if (code === WSAEWOULDBLOCK) return;
      waiting.delete(operation);
      this.complete(operation, code, this.transferred(operation));
    }
  }

  /** Ends an operation that waits no more. @param error Winsock error code, 0 for success. */
  protected complete(operation: Operation, error: number, bytes: number): void {
    this.#ended = (this.#ended + 1) | 0;
    this.#trying = null;
    if (this.parts.options.ticksBetweenCallbacks) {
      // One look may end several: each in a step of its own.
      this.parts.completeSynchronously(operation, error, bytes);
      return;
    }
    operation.state = OperationState.Completed;
    operation.error = error;
    operation.bytes = bytes;
    this.parts.completed(operation);
  }

  /**
   * Something threw before the call of an operation was made: that ends the operation, as it does in its start. Left waiting it
   * would be tried again for ever. The others of the socket are reported again: readiness is a state.
   */
  #abandon(thrown: unknown): void {
    const operation = this.#trying;
    if (operation === null) throw thrown; // a callback has thrown it
    this.#trying = null;
    operation.thrown = thrown;
    this.#ended = (this.#ended + 1) | 0;
    this.forget(operation);
    const code = thrown instanceof Win32Error ? thrown.systemErrorCode : codeOfThrown(thrown);
    this.parts.completeSynchronously(operation, code, 0);
  }

  /** Ends every operation that waits. @param error Winsock error code */
  #failAll(error: number): void {
    // Each forgetting may refuse the rest.
    for (let [operation] = this.waiting(); operation !== undefined; [operation] = this.waiting()) {
      this.forget(operation);
      this.parts.completeSynchronously(operation, error, 0);
    }
  }
}
