/**
 * One UDP socket under WSAPoll: its receives wait for readiness, and each then takes one datagram; a send is tried at once
 * and waits only when the system has no room for it.
 */
import { POLLRDNORM, POLLWRNORM, SOCKET_ERROR } from '../../ffi/constants.ts';
import { sockaddr_in6 } from '../../ffi/layouts.ts';
import { WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import { SLOT, DATAGRAM_SLOT, type Operation } from '../memory/operation.ts';
import { writeDestination } from '../sockets/socket-addresses.ts';
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

  /** Returns 0 or the error code; the count and the sender are in the slot. */
  readonly #tryReceive = (operation: Operation): number => {
    const { platform, counters, operations } = this.parts;
    const { words } = operations;
    words[operation.word + SLOT.FLAGS / 4] = 0;
    words[operation.word + SLOT.BYTES / 4] = 0;
    words[operation.word + DATAGRAM_SLOT.ADDRESS / 4] = 0;
    words[operation.word + DATAGRAM_SLOT.ADDRESS_LENGTH / 4] = sockaddr_in6.size;
    counters.syscalls.WSARecvFrom++;
    const { address } = operation;
    const result = platform.ws2_32.WSARecvFrom(
      this.socket,
      address + SLOT.WSABUFS,
      1,
      address + SLOT.BYTES,
      address + SLOT.FLAGS,
      address + DATAGRAM_SLOT.ADDRESS,
      address + DATAGRAM_SLOT.ADDRESS_LENGTH,
      0,
      0,
    );
    return result === SOCKET_ERROR ? platform.ws2_32.WSAGetLastError() : 0;
  };

  readonly #trySend = (operation: Operation): number => {
    const { platform, counters, operations } = this.parts;
    // Now, and not when it began to wait: the socket may have lost its peer since.
    const addressLength = writeDestination(operations.words, operation);
    operations.words[operation.word + SLOT.BYTES / 4] = 0;
    counters.syscalls.WSASendTo++;
    const { address } = operation;
    const result = platform.ws2_32.WSASendTo(
      this.socket,
      address + SLOT.WSABUFS,
      1,
      address + SLOT.BYTES,
      0,
      addressLength === 0 ? 0 : address + DATAGRAM_SLOT.ADDRESS,
      addressLength,
      0,
      0,
    );
    return result === SOCKET_ERROR ? platform.ws2_32.WSAGetLastError() : 0;
  };
}
