/**
 * A connection attempt: from ConnectEx to its packet.
 *
 * The SYN arrives (one step), the answer comes back (another), so there is a moment when the server's side exists and the
 * client does not know it yet: a cancel in that moment shows the server a connection that is reset at once.
 */
import { STATUS_CONNECTION_REFUSED, STATUS_HOST_UNREACHABLE, STATUS_IO_TIMEOUT } from '../../../ffi/ntstatus.ts';
import type { TimerHandle } from '../../platform/platform.ts';
import type { SharedNetwork } from '../machine/machine.ts';
import { Step } from '../schedule/agenda.ts';
import { isFull } from './backlog.ts';
import type { Io } from './io.ts';
import { loopbackAddress, type SimulatedAddress } from './sockaddr.ts';
import type { SimulatedSocket } from './socket.ts';
import { TcpEnd } from './tcp-end.ts';

/** Milliseconds until an attempt that nobody answers is given up: 3 + 6 + 12 seconds, Windows' default. */
const GIVE_UP_MS = 21000;
/** Milliseconds until a SYN that met a full backlog is repeated. */
const SYN_RETRY_MS = 1000;
/** Milliseconds until Windows repeats a SYN that was answered with RST. */
const REFUSED_SYN_RETRY_MS = 500;

export class Attempt {
  readonly io: Io;
  readonly #network: SharedNetwork;
  readonly #socket: SimulatedSocket;
  readonly #target: SimulatedAddress;
  readonly #syn: Step;
  readonly #answer: Step;
  #timer: TimerHandle | null = null;
  #waited = 0;
  /** The client's end, once the server has answered. */
  #end: TcpEnd | null = null;

  constructor(network: SharedNetwork, socket: SimulatedSocket, io: Io, target: SimulatedAddress) {
    this.#network = network;
    this.#socket = socket;
    this.io = io;
    this.#target = target;
    this.#syn = new Step('SYN arrives', () => {
      this.#synArrives();
    });
    this.#answer = new Step('SYN is answered', () => {
      this.#answered();
    });
    network.agenda.add(this.#syn);
  }

  /** Ends the attempt. The server's side, where there is one, is reset. */
  abandon(status: number): void {
    const { agenda } = this.#network;
    agenda.remove(this.#syn);
    agenda.remove(this.#answer);
    if (this.#timer !== null) this.#network.clock.clear(this.#timer);
    this.#timer = null;
    this.#socket.attempt = null;
    this.#socket.spent = true;
    if (this.#end !== null) {
      this.#end.orphan = true;
      this.#end.abort();
    }
    this.#socket.platform.finish(this.io, status, 0);
  }

  #synArrives(): void {
    const { platform } = this.#socket;
    const fault = platform.faults?.status('ConnectEx') ?? 0;
    if (fault !== 0) return this.abandon(fault);
    const route = this.#network.route(this.#target.unmapped ?? this.#target);
    if (route === 'unreachable') return this.abandon(STATUS_HOST_UNREACHABLE);
    if (route === 'silent') return this.#wait(GIVE_UP_MS, () => this.abandon(STATUS_IO_TIMEOUT));
    const listener = this.#network.ports.listenerAt(this.#target);
    if (listener === null) return this.#refused();
    if (isFull(listener)) {
      if (listener.socket.platform.profile.refusesWhenFull) return this.#refused();
      this.#waited += SYN_RETRY_MS;
      if (this.#waited > GIVE_UP_MS) return this.abandon(STATUS_IO_TIMEOUT);
      return this.#wait(SYN_RETRY_MS, () => this.#network.agenda.add(this.#syn));
    }
    const local = this.#localAddress();
    // A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d, and an IPv4 one sees such a peer as a.b.c.d.
    const seen = (address: SimulatedAddress): SimulatedAddress =>
      listener.socket.family === 6 ? address.mapped : (address.unmapped ?? address);
    const serverSide = new TcpEnd(this.#network, listener.socket.platform, seen(this.#target), seen(local));
    this.#end = new TcpEnd(this.#network, platform, local, this.#target);
    this.#end.peer = serverSide;
    serverSide.peer = this.#end;
    this.#network.note(() => `SYN arrives, ${local.toString()} → ${this.#target.toString()}`);
    listener.socket.platform.accepts.arrive(listener, serverSide);
    this.#network.agenda.add(this.#answer);
  }

  #answered(): void {
    const socket = this.#socket;
    const end = this.#end;
    if (end === null) return;
    socket.attempt = null;
    socket.end = end;
    socket.local = end.local;
    socket.contextMissing = socket.platform.profile.needsContext;
    socket.platform.applyBufferSizes(socket);
    end.update();
    socket.platform.finish(this.io, 0, 0);
  }

  #refused(): void {
    const { platform, oneSyn } = this.#socket;
    if (oneSyn || this.#waited >= platform.profile.refusedAfterMs) return this.abandon(STATUS_CONNECTION_REFUSED);
    this.#waited += REFUSED_SYN_RETRY_MS;
    this.#wait(REFUSED_SYN_RETRY_MS, () => this.#network.agenda.add(this.#syn));
  }

  #wait(ms: number, callback: () => void): void {
    if (ms === 0) return callback();
    this.#timer = this.#network.clock.set(
      ms,
      () => {
        this.#timer = null;
        callback();
      },
      false,
    );
  }

  #localAddress(): SimulatedAddress {
    const { local, family } = this.#socket;
    const port = local?.port ?? 0;
    if (local !== null && !local.isAny) return local;
    return this.#target.isLoopback ? this.#target.withPort(port) : loopbackAddress(family, port);
  }
}
