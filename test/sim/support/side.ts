/**
 * One end of a connection as its user sees it, and the model that it must agree with: bytes arrive in order, none lost
 * before a graceful end, none twice, none from another connection.
 */
import type { NetworkError, OperationHandle, SocketHandle } from '../../../src/index.ts';
import { streamBytes } from './pattern.ts';
import type { SimulatedPal, Server } from './simulated-pal.ts';
import type { World } from './world.ts';

export class ModelError extends Error {
  override readonly name = 'ModelError';
}

export class Side {
  readonly world: World;
  /** The PAL that has it; another one after a transfer. */
  owner: SimulatedPal;
  readonly label: string;
  /** Number of the stream that this side writes. */
  readonly stream: number;
  handle: SocketHandle;
  peer: Side | null = null;
  connected = false;
  /** Bytes that asyncWrite took, and those that it has confirmed. */
  written = 0;
  confirmed = 0;
  received = 0;
  /** The end of the stream was read. */
  ended = false;
  failed = false;
  sendShut = false;
  receiveShut = false;
  closing = false;
  closedAt = Infinity;
  wasReset = false;
  /** A write was refused by the system, which its user was told. */
  writeFailed = false;
  /** The same while the socket was being closed: the peer must not take what it has for everything. */
  flushFailed = false;
  closeSeen = false;
  /** A call was refused for lack of slots. */
  starved = false;
  /** Those of the pending calls that were made when it was closing, or had closed. */
  late = 0;
  /** Callbacks owed, but for those of close. */
  pending = 0;
  reads = 0;
  /** Connects with a timeout, which may end it before its callback says so. */
  timed = false;
  /** It was asked to be taken back while it was connecting. */
  cancellation = false;
  /** The read that was asked for last, and those that were asked to be taken back. */
  lastRead = 0 as OperationHandle;
  readonly cancelledReads = new Set<OperationHandle>();
  /** A file that may be taken back: nothing is written behind it. */
  cancellable: OperationHandle | null = null;
  /** When that may truncate it and reset the connection, ms of the network's clock. */
  truncatedFrom = Infinity;
  /** Connecting sides: where to. */
  target: { readonly owner: SimulatedPal; readonly server: Server } | null = null;
  watching = false;
  /** It was: what tryWrite takes may be queued. */
  wasWatched = false;
  /** Accepted without a port, and not used since: it can go to another loop. */
  free = false;
  /** Submissions to its PAL when the last one for it was made. */
  submitted = 0;

  constructor(world: World, owner: SimulatedPal, stream: number, label: string, handle: SocketHandle) {
    this.world = world;
    this.owner = owner;
    this.stream = stream;
    this.label = label;
    this.handle = handle;
  }

  /** What was submitted for it has not been carried out: a call of its own would overtake that. */
  get hasQueued(): boolean {
    return this.owner.running && this.submitted > this.owner.carriedOut;
  }

  /** Open for calls. */
  get usable(): boolean {
    return this.connected && !this.closing && this.owner.running;
  }

  /** Nothing has closed it here: neither its user nor a file that was truncated. */
  isOpenFor(now: number): boolean {
    return !this.closing && now < this.truncatedFrom;
  }

  fail(what: string): never {
    const { peer } = this;
    const other = peer === null ? 'no known peer' : `${peer.label}: written ${peer.written}, ${peer.flags()}`;
    throw new ModelError(`${this.label}: ${what} (received ${this.received}, ${this.flags()}; ${other})`);
  }

  flags(): string {
    const names = [
      'connected',
      'ended',
      'failed',
      'sendShut',
      'receiveShut',
      'closing',
      'wasReset',
      'writeFailed',
    ] as const;
    return names.filter((name) => this[name]).join(' ');
  }

  /** A read has brought bytes. */
  gotBytes(buffer: Uint8Array, count: number): void {
    const { peer } = this;
    if (this.ended) this.fail(`${count} bytes after the end of the stream`);
    if (peer === null) this.fail(`${count} bytes from nobody`);
    if (this.received + count > peer.written) this.fail(`${count} bytes, more than the peer has written`);
    const expected = streamBytes(peer.stream, this.received, count);
    if (Buffer.compare(buffer.subarray(0, count), expected) !== 0)
      this.fail(`${count} bytes that are not the next ones`);
    this.received += count;
  }

  /** A read has brought the end of the stream. */
  gotEnd(): void {
    this.ended = true;
    if (this.receiveShut || this.failed) return;
    const { peer } = this;
    if (this.world.settings.profile === 'wine' && this.mayBreak()) return;
    if (peer === null) {
      // Connections that nobody has taken end when their server closes.
      if (!this.#untakenIsLost) this.fail('the end of the stream, from nobody');
      return;
    }
    if (!peer.sendShut && !peer.closing) this.fail('the end of the stream, while the peer is open');
    if (peer.writeFailed) return;
    if (this.received < peer.written) this.fail('the end of the stream, before all bytes');
  }

  /** A read or write has failed on a socket that is open here. */
  gotBreak(error: NetworkError): void {
    this.failed = true;
    if (error.code === 'ERR_TOO_MANY_OPERATIONS' && this.world.settings.slots < 128) return;
    if (!this.mayBreak()) this.fail(`${error.code} out of nowhere: ${error.message}`);
  }

  /** Something has happened that breaks a connection. */
  mayBreak(): boolean {
    if (this.world.settings.faults?.operations !== undefined) return true;
    if (this.#breaks()) return true;
    return this.peer === null ? this.#untakenIsLost : this.peer.#breaks();
  }

  /** The server that this side is waiting in has closed. */
  get #untakenIsLost(): boolean {
    // An accept that failed drops its connection.
    if (this.world.settings.faults?.calls !== undefined || this.world.strays) return true;
    return this.target?.server.group.some(({ open, owner }) => !open || !owner.running) === true;
  }

  get #wasAbandoned(): boolean {
    return !this.connected && (this.closing || this.timed || this.cancellation);
  }

  #breaks(): boolean {
    // A connection attempt that was abandoned: the server may have seen the connection already.
    if (this.wasReset || this.writeFailed || this.flushFailed || this.#wasAbandoned) return true;
    if (this.world.now >= this.truncatedFrom) return true;
    // The grace for flushing is over.
    if (this.closing && this.confirmed < this.written && this.world.now >= this.closedAt + this.world.graceMs)
      return true;
    // Data for a side that does not read any more is answered with RST.
    return (this.closing || this.receiveShut) && this.peer !== null && this.peer.written > this.received;
  }
}
