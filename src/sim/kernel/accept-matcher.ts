/** Where connections that arrive meet the AcceptEx operations that wait for them. */
import { STATUS_CANCELLED, STATUS_CONNECTION_ABORTED } from '../../../ffi/ntstatus.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import type { Io } from './io.ts';
import { writeSockaddr } from './sockaddr.ts';
import type { Listener } from './socket.ts';
import type { TcpEnd } from './tcp-end.ts';

/** Bytes of the int in front of each address that AcceptEx writes: its length, as Wine has it. */
export const LENGTH_PREFIX = 4;

export class AcceptMatcher {
  readonly #platform: SimulatedProcess;

  constructor(platform: SimulatedProcess) {
    this.#platform = platform;
  }

  /** A connection is established. */
  arrive(listener: Listener, end: TcpEnd): void {
    listener.backlog.push(end);
    if (listener.accepts.length > 0 && !this.#platform.network.maybe()) this.serve(listener);
    else this.update(listener);
  }

  update(listener: Listener): void {
    this.#platform.network.agenda.set(listener.serve, listener.accepts.length > 0 && listener.backlog.length > 0);
  }

  serve(listener: Listener): void {
    const { network } = this.#platform;
    while (listener.accepts.length > 0 && listener.backlog.length > 0) {
      const end = listener.backlog.shift();
      if (end === undefined) break;
      // Of several processes' accepts the system chooses one.
      const place = listener.socket.isShared ? network.choices.pick(listener.accepts.length) : 0;
      const [io] = listener.accepts.splice(place, 1);
      if (io === undefined) break;
      const fault = io.platform.faults?.status('AcceptEx') ?? 0;
      if (fault !== 0) {
        end.abort();
        fail(io, fault);
      } else if (end.broken !== 0 && !this.#mayAcceptBroken()) fail(io, io.platform.profile.acceptedResetStatus);
      else this.complete(io, end);
    }
    this.update(listener);
  }

  /** Puts the connection on the accept socket and reports it. */
  complete(io: Io, end: TcpEnd): void {
    this.attach(io, end);
    io.platform.finish(io, 0, 0);
  }

  attach(io: Io, end: TcpEnd): void {
    const socket = io.acceptSocket;
    const buffer = io.segments[0];
    if (socket === null || buffer === undefined) throw new Error('An AcceptEx without socket or buffer');
    socket.accept = null;
    end.platform = io.platform;
    socket.end = end;
    socket.local = end.local;
    socket.contextMissing = io.platform.profile.needsContext;
    io.platform.applyBufferSizes(socket);
    io.verify();
    io.verified = true;
    const { region, address } = buffer;
    const remote = address + io.localLength;
    const localSize = writeSockaddr(region, address + LENGTH_PREFIX, end.local);
    const remoteSize = writeSockaddr(region, remote + LENGTH_PREFIX, end.remote);
    new DataView(region.buffer).setInt32(address - region.address, localSize, true);
    new DataView(region.buffer).setInt32(remote - region.address, remoteSize, true);
  }

  /** The listener is closed: what waits is reset or cancelled. */
  close(listener: Listener): void {
    for (const io of listener.accepts.splice(0)) fail(io, this.#closedStatus());
    for (const end of listener.backlog.splice(0)) {
      end.orphan = true;
      end.abort();
    }
    this.update(listener);
  }

  /** Of an AcceptEx whose listening socket is closed: Windows has been seen to say either. */
  #closedStatus(): number {
    const { profile, network } = this.#platform;
    return profile.name === 'windows' && network.maybe() ? STATUS_CONNECTION_ABORTED : STATUS_CANCELLED;
  }

  /**
   * A connection that was reset while it waited. Windows may hand it out all the same, or say "an incoming connection was
   * indicated, but was subsequently terminated by the remote peer" (AcceptEx, WSAECONNRESET).
   */
  #mayAcceptBroken(): boolean {
    return this.#platform.profile.name === 'windows' && this.#platform.network.maybe();
  }
}

function fail(io: Io, status: number): void {
  if (io.acceptSocket !== null) io.acceptSocket.accept = null;
  io.platform.finish(io, status, 0);
}
