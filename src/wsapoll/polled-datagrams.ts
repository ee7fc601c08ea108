/**
 * One UDP socket under WSAPoll: its receives wait for readiness, and each then takes one datagram; a send is tried at once
 * and waits only when the system has no room for it.
 */
import { POLLRDNORM, POLLWRNORM } from '../../ffi/constants.ts';
import { WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import type { Operation } from '../memory/operation.ts';
import { receiveFromAtOnce, sendToAtOnce } from '../sockets/datagrams-at-once.ts';
import { PolledMember } from './polled-member.ts';

export class DatagramMember extends PolledMember {
  /** connect() on a UDP socket is done at once. */
  protected readonly connects = false;
  readonly #receives = new Set<Operation>();
  readonly #sends = new Set<Operation>();

  protected get events(): number {
    return (this.#receives.size > 0 ? POLLRDNORM : 0) | (this.#sends.size > 0 ? POLLWRNORM : 0);
  }

  receive(operation: Operation): void {
    this.#receives.add(operation);
    this.changed();
  }

  send(operation: Operation): void {
    const code = this.#sends.size > 0 ? WSAEWOULDBLOCK : this.#trySend(operation);
    if (code === WSAEWOULDBLOCK) {
      this.#sends.add(operation);
      this.changed();
    } else {
      this.parts.completeSynchronously(operation, code, this.transferred(operation));
    }
  }

  forget(operation: Operation): void {
    this.#receives.delete(operation);
    this.#sends.delete(operation);
    this.changed();
  }

  protected act(revents: number): void {
    if ((revents & ~POLLRDNORM) !== 0) this.tryEach(this.#sends, this.#trySend);
    if ((revents & ~POLLWRNORM) !== 0) this.tryEach(this.#receives, this.#tryReceive);
  }

  protected waiting(): readonly Operation[] {
    return [...this.#receives, ...this.#sends];
  }

  readonly #tryReceive = (operation: Operation): number => receiveFromAtOnce(this.parts, this.socket, operation);

  /** The destination is written now, and not when it began to wait: the socket may have lost its peer since. */
  readonly #trySend = (operation: Operation): number => sendToAtOnce(this.parts, this.socket, operation);
}
