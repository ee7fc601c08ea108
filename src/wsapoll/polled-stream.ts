/** One connection or listening socket under WSAPoll: each of its operations waits for readiness, and then does its call. */
import { checkSocket } from '../../ffi/check.ts';
import {
  INVALID_SOCKET,
  POLLERR,
  POLLRDNORM,
  POLLWRNORM,
  SO_ERROR,
  SOCKET_ERROR,
  SOL_SOCKET,
} from '../../ffi/constants.ts';
import { sockaddr_in6 } from '../../ffi/layouts.ts';
import { WSAECONNREFUSED, WSAECONNRESET, WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import { SLOT, OperationKind, type Operation } from '../memory/operation.ts';
import { getIntOption } from '../sockets/sockets.ts';
import { PolledMember } from './polled-member.ts';

/** Where accept() leaves the peer's address in the operation's block. */
export const ADDRESS_AT = 0;

export class StreamMember extends PolledMember {
  #receive: Operation | null = null;
  /** The zero-byte receive of the readiness calls. It may wait beside a receive: unwatch leaves it posted. */
  #zeroByteReceive: Operation | null = null;
  #send: Operation | null = null;
  #segments = 0;
  #connect: Operation | null = null;
  readonly #accepts = new Set<Operation>();

  protected get events(): number {
    const read = this.#receive !== null || this.#zeroByteReceive !== null || this.#accepts.size > 0 ? POLLRDNORM : 0;
    const write = this.#send !== null || this.#connect !== null ? POLLWRNORM : 0;
    return read | write;
  }

  protected get connects(): boolean {
    return this.#connect !== null;
  }

  receive(operation: Operation): void {
    if (operation.kind === OperationKind.ZeroByteReceive) this.#zeroByteReceive = operation;
    else this.#receive = operation;
    this.changed();
  }

  send(operation: Operation, segments: number): void {
    this.#segments = segments;
    const code = this.#trySend(operation);
    if (code === WSAEWOULDBLOCK) {
      this.#send = operation;
      this.changed();
    } else {
      this.parts.completeSynchronously(operation, code, this.transferred(operation));
    }
  }

  connect(operation: Operation): void {
    this.#connect = operation;
    this.changed();
  }

  accept(operation: Operation): void {
    this.#accepts.add(operation);
    this.changed();
  }

  forget(operation: Operation): void {
    if (this.#receive === operation) this.#receive = null;
    if (this.#zeroByteReceive === operation) this.#zeroByteReceive = null;
    if (this.#send === operation) this.#send = null;
    if (this.#connect === operation) this.#connect = null;
    this.#accepts.delete(operation);
    this.changed();
  }

  protected act(revents: number): void {
    if (this.#connect !== null) this.#readyConnect(revents);
    if (revents === 0) return;
    if ((revents & ~POLLWRNORM) !== 0) this.tryEach(this.#accepts, this.#tryAccept);
    if ((revents & ~POLLRDNORM) !== 0) this.#readySend();
    if ((revents & ~POLLWRNORM) !== 0) this.#readyZeroByteReceive(revents);
    if ((revents & ~POLLWRNORM) !== 0) this.#readyReceive(revents);
  }

  protected waiting(): readonly Operation[] {
    const all = [this.#receive, this.#zeroByteReceive, this.#send, this.#connect, ...this.#accepts];
    return all.filter((operation) => operation !== null);
  }

  #readyConnect(revents: number): void {
    const operation = this.#connect;
    if (operation === null) return;
    this.trying(operation);
    let code = getIntOption(this.parts, this.socket, SOL_SOCKET, SO_ERROR, 'getsockopt(SO_ERROR)');
    // POLLERR is a failure, whatever SO_ERROR has to say of it: somebody may have read it before. Nearly all are refusals.
    if (code === 0 && (revents & POLLERR) !== 0) code = WSAECONNREFUSED;
    if (code === 0 && (revents & POLLWRNORM) === 0) return;
    this.#connect = null;
    this.complete(operation, code, 0);
  }

  /** Readiness is all it asks for. A broken connection with nothing left to read is reported as such, once. */
  #readyZeroByteReceive(revents: number): void {
    const operation = this.#zeroByteReceive;
    if (operation === null) return;
    this.trying(operation);
    const broken = (revents & POLLERR) !== 0 && (revents & POLLRDNORM) === 0;
    const code = broken ? getIntOption(this.parts, this.socket, SOL_SOCKET, SO_ERROR, 'getsockopt(SO_ERROR)') : 0;
    this.#zeroByteReceive = null;
    this.complete(operation, broken && code === 0 ? WSAECONNRESET : code, 0);
  }

  #readyReceive(revents: number): void {
    const operation = this.#receive;
    if (operation === null) return;
    this.trying(operation);
    if (operation.requested === 0) {
      // A zero-byte receive asks for readiness only, which this is.
      this.#receive = null;
      this.complete(operation, 0, 0);
      return;
    }
    const { platform, counters, operations } = this.parts;
    operations.words[operation.word + SLOT.FLAGS / 4] = 0;
    counters.syscalls.WSARecv++;
    const { address } = operation;
    const result = platform.ws2_32.WSARecv(
      this.socket,
      address + SLOT.WSABUFS,
      1,
      address + SLOT.BYTES,
      address + SLOT.FLAGS,
      0,
      0,
    );
    let code = result === SOCKET_ERROR ? platform.ws2_32.WSAGetLastError() : 0;
    if (code === WSAEWOULDBLOCK) return;
    this.#receive = null;
    const bytes = code === 0 ? this.transferred(operation) : 0;
    // A graceful end is POLLHUP without POLLERR. Wine answers the receive after a RST with the end of the stream; Windows
    // with WSAECONNRESET itself.
    if (code === 0 && bytes === 0 && (revents & POLLERR) !== 0) code = WSAECONNRESET;
    this.complete(operation, code, bytes);
  }

  #readySend(): void {
    const operation = this.#send;
    if (operation === null) return;
    this.trying(operation);
    const code = this.#trySend(operation);
    if (code === WSAEWOULDBLOCK) return;
    this.#send = null;
    this.complete(operation, code, this.transferred(operation));
  }

  readonly #tryAccept = (operation: Operation): number => {
    const { platform, counters, operations } = this.parts;
    const lengthWord = operation.word + SLOT.BYTES / 4;
    operations.words[lengthWord] = sockaddr_in6.size;
    counters.syscalls.accept++;
    const address = (operation.block?.address ?? 0) + ADDRESS_AT;
    const socket = platform.ws2_32.accept(this.socket, address, operation.address + SLOT.BYTES);
    if (socket === INVALID_SOCKET) return platform.ws2_32.WSAGetLastError();
    operation.acceptSocket = checkSocket(socket, platform.ws2_32, 'accept');
    return 0;
  };

  /** Returns 0 or the error code; the count is in the slot. */
  #trySend(operation: Operation): number {
    const { platform, counters, operations } = this.parts;
    operations.words[operation.word + SLOT.BYTES / 4] = 0;
    counters.syscalls.WSASend++;
    const { address } = operation;
    const result = platform.ws2_32.WSASend(
      this.socket,
      address + SLOT.WSABUFS,
      this.#segments,
      address + SLOT.BYTES,
      0,
      0,
      0,
    );
    return result === SOCKET_ERROR ? platform.ws2_32.WSAGetLastError() : 0;
  }
}
