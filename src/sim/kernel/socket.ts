/** A simulated SOCKET: its place on a port, its options, and what it has become (listener, attempt, connection, UDP). */
import type { SimulatedProcess } from '../machine/machine.ts';
import { Step } from '../schedule/agenda.ts';
import type { Attempt } from './attempt.ts';
import type { CompletionPort } from './completion-port.ts';
import type { Io } from './io.ts';
import type { SimulatedAddress } from './sockaddr.ts';
import type { TcpEnd } from './tcp-end.ts';
import { UdpEnd } from './udp-end.ts';

/** A handle of a socket. */
interface Owner {
  readonly platform: SimulatedProcess;
  /** Taken by somebody else as soon as it is closed. */
  readonly number: number;
}

export class SimulatedSocket {
  /** The process that has it; of several, the one that has had it longest. And its number there. */
  platform: SimulatedProcess;
  number: number;
  readonly family: 4 | 6;
  port: CompletionPort | null = null;
  key = 0;
  /** FILE_SKIP_COMPLETION_PORT_ON_SUCCESS. */
  skips = false;
  local: SimulatedAddress | null = null;
  listener: Listener | null = null;
  attempt: Attempt | null = null;
  end: TcpEnd | null = null;
  /** Null for stream sockets. */
  readonly udp: UdpEnd | null;
  /** The AcceptEx that will put a connection on it. */
  accept: Io | null = null;
  /** The DisconnectEx that will make it fresh again. */
  disconnect: Io | null = null;
  /** A ConnectEx failed on it: Windows wants a new socket. */
  spent = false;
  /** SO_UPDATE_ACCEPT_CONTEXT or SO_UPDATE_CONNECT_CONTEXT is still missing. */
  contextMissing = false;
  sendShut = false;
  /** FIONBIO. */
  nonBlocking = false;
  /** SO_LINGER {1, 0}. */
  lingerZero = false;
  /** SIO_TCP_INITIAL_RTO asked for one SYN only. */
  oneSyn = false;
  /** SO_SNDBUF and SO_RCVBUF; undefined until set. */
  sendBufferSize: number | undefined;
  receiveBufferSize: number | undefined;
  reuses = false;
  /** SO_REUSE_UNICASTPORT. */
  sharesPort = false;
  /** Where it connects, or is connected, by ConnectEx. */
  target: SimulatedAddress | null = null;
  exclusive = false;
  v6Only = true;
  readonly options = new Map<number, number>();
  /** Its other handles, made by WSADuplicateSocketW. */
  readonly #duplicates: Owner[] = [];

  constructor(number: number, platform: SimulatedProcess, family: 4 | 6, kind: 'stream' | 'datagram' = 'stream') {
    this.number = number;
    this.platform = platform;
    this.family = family;
    this.udp = kind === 'datagram' ? new UdpEnd(this) : null;
  }

  get isShared(): boolean {
    return this.#duplicates.length > 0;
  }

  /** A process has another handle of it. */
  addOwner(platform: SimulatedProcess, number: number): void {
    this.#duplicates.push({ platform, number });
  }

  /** A handle was closed. Returns true when it was the last. */
  removeOwner(platform: SimulatedProcess, number: number): boolean {
    const place = this.#duplicates.findIndex((owner) => owner.platform === platform && owner.number === number);
    if (place >= 0) {
      this.#duplicates.splice(place, 1);
      return false;
    }
    const next = this.#duplicates.shift();
    if (next === undefined) return true;
    this.platform = next.platform;
    this.number = next.number;
    if (this.end !== null) this.end.platform = next.platform;
    return false;
  }

  get isConnected(): boolean {
    return this.end !== null;
  }

  /** DisconnectEx(TF_REUSE_SOCKET) is through. Options, the port and its key stay. */
  becomeFresh(): void {
    this.end = null;
    this.local = null;
    this.target = null;
    this.sendShut = this.platform.profile.disconnectLeavesShut;
    this.contextMissing = false;
  }

  /** Operations of this socket that can be cancelled. */
  *pending(): Iterable<Io> {
    if (this.end !== null) {
      yield* this.end.receives;
      yield* this.end.sends;
    }
    if (this.udp !== null) {
      yield* this.udp.receives;
      yield* this.udp.sends;
    }
    if (this.listener !== null) yield* this.listener.accepts;
    if (this.attempt !== null) yield this.attempt.io;
    if (this.disconnect !== null) yield this.disconnect;
  }
}

/** What listen() makes of a socket. */
export class Listener {
  readonly socket: SimulatedSocket;
  readonly limit: number;
  /** Connections that are established and that no AcceptEx has taken. */
  readonly backlog: TcpEnd[] = [];
  readonly accepts: Io[] = [];
  readonly serve: Step;

  constructor(socket: SimulatedSocket, limit: number) {
    this.socket = socket;
    this.limit = limit;
    this.serve = new Step('accept', () => {
      socket.platform.accepts.serve(this);
    });
  }
}
