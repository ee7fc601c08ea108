/**
 * One UDP socket of the PAL, as a Socket uses it: datagrams as long as it is open, sends in their order, options, groups, and its end.
 *
 * It speaks Node's words: what the PAL throws becomes an error of the system, with the name of libuv's call.
 */
import { isIP } from 'node:net';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { WouldBlock } from '../pal/readiness.ts';
import type { SocketOption, SocketOptionValues } from '../pal/socket-option.ts';
import { nextTick } from '../platform/node-timers.ts';
import { codedError, fromPal, type Place } from '../node-shape/errors.ts';
import { bufferSizeError, inNodesWords, refusal } from './errors.ts';
import type { DatagramBatch, Destination, UdpOptions } from '../pal/datagram.ts';
import type { Endpoint, UdpHandle } from '../pal/handles.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { NetworkPal } from '../pal/network-pal.ts';

/** Who is told what comes. */
export interface ChannelOwner {
  /** A datagram has come. The message is his. */
  received(message: Buffer, peer: Endpoint): void;
  /** Receiving has failed once; it goes on. */
  failed(error: Error): void;
}

/** Called once: with the error, or null and the number of bytes. */
export type SentCallback = (error: Error | null, bytes: number) => void;

/** The system's buffers of a socket. */
export type BufferOption = 'ReceiveBufferSize' | 'SendBufferSize';

/** A datagram that its owner has not been told of. */
interface Arrival {
  readonly message: Buffer;
  readonly peer: Endpoint;
}

/** Most that fits an IP packet beside the headers, bytes. */
const MAX_DATAGRAM = { 4: 65507, 6: 65527 } as const;

const ANY = { 4: '0.0.0.0', 6: '::' } as const;

export class UdpChannel {
  readonly #pal: NetworkPal;
  readonly #handle: UdpHandle;
  readonly #family: 4 | 6;
  #owner: ChannelOwner | null = null;
  /** What was in a batch behind a datagram whose listener threw. */
  readonly #rest: Arrival[] = [];
  /** Datagrams that the system has not taken yet, and their bytes. */
  sendsQueued = 0;
  bytesQueued = 0;

  private constructor(pal: NetworkPal, handle: UdpHandle, family: 4 | 6) {
    this.#pal = pal;
    this.#handle = handle;
    this.#family = family;
  }

  /** Binds a socket. Throws what bind() says. @param port as it was asked for: node:dgram takes its lower 16 bits */
  static bind(pal: NetworkPal, family: 4 | 6, address: string, port: unknown, options: UdpOptions): UdpChannel {
    return inNodesWords('bind', { address, port: port as number | undefined }, () => {
      if (isIP(address) !== family || (options.ipv6Only === true && family === 4)) throw invalid();
      const { handle } = pal.createUdpSocket(address, Number(port ?? 0) & 0xffff, options);
      return new UdpChannel(pal, handle, family);
    });
  }

  /** One on a port of the system's choice, which others may have too, as libuv makes it for who joins a group first. */
  static bindAnywhere(pal: NetworkPal, family: 4 | 6): UdpChannel {
    return UdpChannel.bind(pal, family, ANY[family], 0, { reuseAddr: true });
  }

  /** Receives from now on. */
  receive(owner: ChannelOwner): void {
    this.#owner = owner;
    this.#receive();
  }

  #receive(): void {
    this.#pal.asyncReceiveBatch(this.#handle, this.#onBatch);
  }

  readonly #onBatch = (error: NetworkError | null, batch: DatagramBatch): void => {
    if (this.#owner === null) return; // closed by him
    // Before the owner is told, who may throw. (Somebody may have stopped the PAL: then this was the last one.)
    if (error?.kind !== NetworkErrorCode.ConnectionClosed) this.#receive();
    if (error !== null) return this.#owner.failed(fromPal(error, 'recvmsg'));
    let next = 0;
    try {
      this.#deliverRest();
      while (next < batch.count) this.#deliver(messageOf(batch, next), batch.peer(next++));
    } finally {
      // A listener threw: the batch is over with this call, and what was behind is still to be told.
      if (next < batch.count) {
        while (next < batch.count) this.#rest.push({ message: messageOf(batch, next), peer: batch.peer(next++) });
        nextTick(this.#deliverRest);
      }
    }
  };

  /** Nothing, when he has closed it meanwhile. */
  #deliver(message: Buffer, peer: Endpoint): void {
    this.#owner?.received(message, peer);
  }

  readonly #deliverRest = (): void => {
    try {
      for (let next = this.#rest.shift(); next !== undefined; next = this.#rest.shift()) {
        this.#deliver(next.message, next.peer);
      }
    } finally {
      if (this.#rest.length > 0) nextTick(this.#deliverRest); // one has thrown again
    }
  };

  /**
   * Sends one datagram: at once where it can, as libuv does, since that costs one call and neither an operation nor a turn of the loop.
   * @param to null is the peer of connect()
   * @param place where to, as errors say it
   * @param done never called inside this call
   */
  send(parts: readonly Uint8Array[], to: Destination | null, place: Place, done: SentCallback | undefined): void {
    const [only] = parts;
    const data = parts.length === 1 && only !== undefined ? only : parts;
    try {
      if (to !== null && isIP(to.address) !== this.#family) throw invalid();
      const bytes = byteLengthOf(parts);
      if (bytes > MAX_DATAGRAM[this.#family]) throw codedError('EMSGSIZE', 'Too long');
      if (this.#pal.trySendTo(this.#handle, data, to) === WouldBlock) this.#queue(data, bytes, to, place, done);
      else if (done !== undefined) nextTick(done, null, bytes);
    } catch (error) {
      if (done !== undefined) nextTick(done, refusal(error, 'send', place), 0);
    }
  }

  #queue(
    data: Uint8Array | readonly Uint8Array[],
    bytes: number,
    to: Destination | null,
    place: Place,
    done: SentCallback | undefined,
  ): void {
    this.#pal.asyncSendTo(this.#handle, data, to, (error, count) => {
      this.sendsQueued--;
      this.bytesQueued -= bytes;
      done?.(error === null ? null : refusal(error, 'send', place), count);
    });
    this.sendsQueued++;
    this.bytesQueued += bytes;
  }

  connect(address: string, port: number, place: Place): void {
    inNodesWords('connect', place, () => {
      if (isIP(address) !== this.#family) throw invalid();
      this.#pal.connectUdp(this.#handle, address, port);
    });
  }

  disconnect(): void {
    inNodesWords('connect', {}, () => this.#pal.disconnectUdp(this.#handle));
  }

  localEnd(): Endpoint {
    return inNodesWords('getsockname', {}, () => ({
      address: this.#pal.getLocalAddress(this.#handle),
      family: this.#family,
      port: this.#pal.getLocalPort(this.#handle),
    }));
  }

  remoteEnd(): Endpoint {
    return inNodesWords('getpeername', {}, () => ({
      address: this.#pal.getRemoteAddress(this.#handle),
      family: this.#family,
      port: this.#pal.getRemotePort(this.#handle),
    }));
  }

  setOption<Name extends SocketOption>(name: Name, value: SocketOptionValues[Name], syscall: string): void {
    inNodesWords(syscall, {}, () => this.#pal.setSocketOption(this.#handle, name, value));
  }

  getBufferSize(name: BufferOption): number {
    return aboutBuffers(name, () => this.#pal.getSocketOption(this.#handle, name));
  }

  setBufferSize(name: BufferOption, bytes: number): void {
    aboutBuffers(name, () => this.#pal.setSocketOption(this.#handle, name, bytes));
  }

  /** Joins a group or leaves it. @param source only what comes from there; undefined: from everywhere */
  changeMembership(
    join: boolean,
    group: string,
    on: string | undefined,
    source: string | undefined,
    syscall: string,
  ): void {
    inNodesWords(syscall, {}, () => {
      const options = { interface: on === undefined ? undefined : interfaceOf(this.#family, on), source };
      if (join) this.#pal.joinGroup(this.#handle, group, options);
      else this.#pal.leaveGroup(this.#handle, group, options);
    });
  }

  ref(): void {
    this.#pal.ref(this.#handle);
  }

  unref(): void {
    this.#pal.unref(this.#handle);
  }

  /** Nothing more is received; what was given to send() is sent. */
  close(closed?: () => void): void {
    this.#owner = null;
    this.#pal.closeSocket(this.#handle, closed);
  }
}

function aboutBuffers<Result>(name: BufferOption, attempt: () => Result): Result {
  const syscall = name === 'SendBufferSize' ? 'uv_send_buffer_size' : 'uv_recv_buffer_size';
  try {
    return attempt();
  } catch (error) {
    throw bufferSizeError((refusal(error, syscall) as NodeJS.ErrnoException).code ?? '', syscall);
  }
}

/** An interface as the PAL takes it: its address, or the index behind the % of an IPv6 one (0 where there is none). */
export function interfaceOf(family: 4 | 6, text: string): string | number {
  if (isIP(text) !== family) throw invalid();
  return family === 4 ? text : Number(/%(\d+)$/.exec(text)?.[1] ?? 0);
}

/** What libuv answers to an address of the other family, and to what is no address. */
function invalid(): Error {
  return codedError('EINVAL', 'Not an address of this family');
}

/** The only copy on this side of the system: what a listener is given is his to keep. */
function messageOf(batch: DatagramBatch, index: number): Buffer {
  const length = batch.length(index);
  const start = batch.start(index);
  const message = Buffer.allocUnsafe(length);
  batch.bytes.copy(message, 0, start, start + length);
  return message;
}

function byteLengthOf(data: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { byteLength } of data) bytes += byteLength;
  return bytes;
}
