/**
 * One end of a simulated TCP connection.
 *
 *   WSASend ──► sends ──► out ═══ the network ═══► peer's in ──► peer's receives ──► WSARecv's packet
 *            (pending)  (send buffer)            (receive buffer)   (pending)
 *
 * Three things can happen to an end, each a step on the agenda while it is possible: the next bytes, FIN or RST of `out`
 * reach the peer; a pending receive is served from `in`; a pending send is taken into `out`. An end outlives its socket:
 * after closesocket the rest of `out` and the FIN still travel.
 */
import { STATUS_CANCELLED, STATUS_CONNECTION_ABORTED, STATUS_CONNECTION_RESET } from '../../../ffi/ntstatus.ts';
import type { SharedNetwork, SimulatedProcess } from '../machine/machine.ts';
import { Step } from '../schedule/agenda.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Io } from './io.ts';
import type { SimulatedAddress } from './sockaddr.ts';

export class TcpEnd {
  /** The other end. */
  peer!: TcpEnd;
  readonly local: SimulatedAddress;
  readonly remote: SimulatedAddress;
  /** The process it is in. */
  platform: SimulatedProcess;
  readonly out = new ByteQueue();
  readonly in = new ByteQueue();
  readonly receives: Io[] = [];
  readonly sends: Io[] = [];
  sendBufferSize: number;
  receiveBufferSize: number;
  /** closesocket was called: what arrives now is answered with RST. */
  orphan = false;
  /** shutdown(SD_RECEIVE) was called. */
  receiveShut = false;
  /** FIN follows `out`. */
  finAsked = false;
  finDelivered = false;
  /** Its FIN left before the peer's was there: this side rests in TIME_WAIT when both have arrived. */
  #endedFirst = false;
  #rests = false;
  /** The peer's FIN has arrived. */
  ended = false;
  /** Status that everything on this end fails with from now on; 0 while the connection lives. */
  broken = 0;
  /** A receive was pending when the RST arrived. */
  #resetSeen = false;
  #rstAsked = false;
  readonly #network: SharedNetwork;
  /** What DisconnectEx waits for: both sides have ended, or the connection broke. */
  #disconnected: (() => void) | null = null;
  readonly #leave: Step;
  readonly #flow: Step;
  readonly #receive: Step;
  readonly #send: Step;

  constructor(network: SharedNetwork, platform: SimulatedProcess, local: SimulatedAddress, remote: SimulatedAddress) {
    this.#network = network;
    this.platform = platform;
    this.local = local;
    this.remote = remote;
    this.sendBufferSize = platform.sendBufferSize;
    this.receiveBufferSize = platform.receiveBufferSize;
    this.#flow = new Step('deliver', () => {
      this.#deliver();
    });
    this.#leave = new Step('disconnect is through', () => {
      const done = this.#disconnected;
      if (done !== null) this.#afterTimeWait(done);
    });
    this.#receive = new Step('serve receive', () => {
      this.serveReceives();
    });
    this.#send = new Step('take send', () => {
      this.serveSends();
    });
  }

  /** Puts on the agenda what is possible now. */
  update(): void {
    const { agenda } = this.#network;
    const { peer } = this;
    // Nothing reaches a peer that is gone; its RST is on the way.
    const dataFlows = this.out.length > 0 && peer.broken === 0 && (peer.orphan || peer.window > 0);
    const finFlows = this.finAsked && !this.finDelivered && this.out.length === 0 && this.sends.length === 0;
    if (finFlows && !this.ended) this.#endedFirst = true;
    agenda.set(this.#flow, this.#rstAsked || dataFlows || finFlows);
    const readable = this.in.length > 0 || this.ended || this.broken !== 0;
    agenda.set(this.#receive, readable && this.receives.length > 0);
    const over = this.broken !== 0 || (this.ended && this.finDelivered);
    agenda.set(this.#leave, this.#disconnected !== null && over && !this.#rests);
    agenda.set(this.#send, this.sends.length > 0 && (this.broken !== 0 || (this.room > 0 && this.#mayMove)));
  }

  /** Bytes that may still arrive. */
  get window(): number {
    return Math.max(0, this.receiveBufferSize - this.in.length);
  }

  /** Bytes that the send buffer takes now. */
  get room(): number {
    return Math.max(0, this.sendBufferSize - this.out.length);
  }

  /** A receive would not have to wait. */
  get isReadable(): boolean {
    return this.in.length > 0 || this.ended || (this.broken !== 0 && this.resetLooksLikeEnd);
  }

  /** The RST is told as the end of the stream, with success. */
  get resetLooksLikeEnd(): boolean {
    return this.broken === STATUS_CONNECTION_RESET && this.platform.profile.resetLooksLikeEnd && !this.#resetSeen;
  }

  /** Sends RST and forgets everything. The own side's operations fail with `status`. */
  abort(status: number = STATUS_CONNECTION_ABORTED): void {
    if (this.broken !== 0) return;
    this.broken = status;
    this.#rstAsked = !(this.ended && this.finDelivered);
    this.#network.note(() => `${this.toString()} sends RST`);
    this.#fail();
  }

  /** The connection breaks on both sides at once: a cable, a router, a fault of the kernel. */
  break(status: number): void {
    if (this.broken === 0) {
      this.#resetSeen = this.receives.length > 0;
      this.broken = status;
    }
    if (this.peer.broken === 0) {
      this.peer.broken = STATUS_CONNECTION_RESET;
      this.peer.#resetSeen = this.peer.receives.length > 0;
      this.peer.#fail();
    }
    this.#fail();
  }

  /** closesocket. `hard`: SO_LINGER {1, 0}. */
  close(hard: boolean): void {
    const { profile } = this.platform;
    const receiving = this.receives.length > 0;
    for (const io of this.receives.splice(0)) this.platform.finish(io, profile.closedReceiveStatus, 0);
    const sending = this.sends.length > 0;
    for (const io of this.sends.splice(0)) {
      if (profile.closeLeavesSends) this.platform.strand(io);
      else this.platform.finish(io, STATUS_CANCELLED, 0);
    }
    // RFC 1122, 4.2.2.13: closing with data unread sends RST, to show that data was lost.
    const reset = hard || sending || this.in.length > 0 || (receiving && profile.closeWithReceiveResets);
    this.orphan = true;
    if (reset) this.abort();
    else this.finAsked = true;
    this.update();
  }

  /** DisconnectEx: FIN behind what is still to be sent, and `done` once the connection is over. */
  disconnect(done: () => void): void {
    this.#disconnected = done;
    this.orphan = true;
    this.finAsked = true;
    this.update();
  }

  /** DisconnectEx was cancelled: the FIN travels all the same. */
  stay(): void {
    this.#disconnected = null;
    this.update();
  }

  /** Lets the time in TIME_WAIT pass for a side that rests there, unless the disconnect is cancelled meanwhile. */
  #afterTimeWait(done: () => void): void {
    const { timeWaitMs } = this.platform.profile;
    const leave = (): void => {
      if (this.#disconnected !== done) return;
      this.#disconnected = null;
      done();
    };
    if (!this.#endedFirst || this.broken !== 0 || timeWaitMs === 0) return leave();
    this.#rests = true;
    this.#network.note(() => `${this.toString()} rests in TIME_WAIT`);
    this.#network.clock.set(timeWaitMs, leave, false);
  }

  /** Completes pending receives with what there is. */
  serveReceives(): void {
    const { platform } = this;
    while (this.receives.length > 0 && (this.in.length > 0 || this.ended || this.broken !== 0)) {
      const io = this.receives.shift();
      if (io === undefined) break;
      const fault = platform.faults?.status(io.kind) ?? 0;
      if (fault !== 0) {
        if (platform.faults?.breaks(fault) === true) this.break(fault);
        platform.finish(io, fault, 0);
      } else if (this.in.length > 0) platform.finish(io, 0, this.fill(io));
      else if (this.broken !== 0 && !this.resetLooksLikeEnd) platform.finish(io, this.broken, 0);
      else platform.finish(io, 0, 0);
    }
    this.update();
    this.peer.update();
  }

  /** Moves received bytes into the buffers of a receive. Returns their number. */
  fill(io: Io): number {
    io.verify();
    io.verified = true; // what changes from here on, the kernel changes
    let bytes = 0;
    for (const { region, address, length } of io.segments) {
      const count = Math.min(length, this.in.length);
      this.in.take(region.bytes, address - region.address, count);
      bytes += count;
    }
    return bytes;
  }

  /** The first send need not wait for the files of other sockets. */
  get #mayMove(): boolean {
    const [first] = this.sends;
    return first?.platform.transmits.mayMove(first) === true;
  }

  /** Takes pending sends into the send buffer. */
  serveSends(): void {
    const { platform } = this;
    while (this.sends.length > 0) {
      const io = this.sends[0];
      if (io === undefined) break;
      if (this.broken !== 0) {
        this.sends.shift();
        platform.finish(io, this.broken, 0);
        continue;
      }
      const fault = platform.faults?.status(io.kind) ?? 0;
      if (fault !== 0) {
        this.sends.shift();
        if (platform.faults?.breaks(fault) === true) this.break(fault);
        platform.finish(io, fault, 0);
        continue;
      }
      if (!platform.transmits.mayMove(io) || !this.take(io)) break;
      this.sends.shift();
      platform.finish(io, io.sentStatus(), io.moved);
    }
    this.update();
    this.peer.update();
  }

  /** Takes bytes of a send. Returns true when the send is finished. */
  take(io: Io): boolean {
    if (io.total > 0 && this.room === 0) return false;
    io.verify();
    const left = Math.max(0, io.reachable - io.moved);
    const short = this.platform.faults?.shortens() === true && left > 1;
    let count = this.platform.profile.sendsAreTakenWhole ? left : Math.min(left, this.room);
    if (short) count = 1 + this.#network.choices.pick(left - 1);
    this.#copyOut(io, count);
    return short || io.moved >= io.reachable;
  }

  readonly toString = (): string => `${this.local.toString()} → ${this.remote.toString()}`;

  #copyOut(io: Io, count: number): void {
    let skip = io.moved;
    let left = count;
    for (const { region, address, length } of io.segments) {
      const step = Math.min(left, Math.max(0, length - skip));
      if (step > 0) this.out.push(region.bytes, address - region.address + skip, step);
      skip = Math.max(0, skip - length);
      left -= step;
    }
    if (io.part !== null && left > 0) {
      const { file, position } = io.part;
      this.out.push(file.content, position + io.moved + count - left - io.buffered, left);
    }
    io.moved += count;
  }

  /** The next of what is on its way to the peer arrives. */
  #deliver(): void {
    const { peer } = this;
    if (this.#rstAsked) {
      this.#rstAsked = false;
      peer.#arriveReset();
    } else if (this.out.length > 0) {
      if (peer.orphan) this.#refuseData();
      else if (peer.receiveShut && peer.receives.length === 0 && peer.#mayRefuse()) this.#refuseData();
      else this.#deliverBytes();
    } else {
      this.finDelivered = true;
      this.#network.note(() => `FIN arrives, ${this.toString()}`);
      peer.#arriveEnd();
    }
    this.update();
  }

  #deliverBytes(): void {
    const { peer } = this;
    const count = this.#network.piece(Math.min(this.out.length, peer.window));
    this.#network.note(() => `${count} bytes arrive, ${this.toString()}`);
    this.out.moveTo(peer.in, count);
    peer.#arrived();
  }

  #refuseData(): void {
    this.#network.note(() => `data arrives where nobody reads any more, ${this.toString()}`);
    this.out.clear();
    this.peer.abort();
  }

  #mayRefuse(): boolean {
    return this.platform.profile.shutReceiveResets && this.#network.maybe();
  }

  #arriveEnd(): void {
    if (this.broken !== 0) return;
    this.ended = true;
    if (this.platform.profile.endCompletesSends && this.receives.length > 0) {
      for (const io of this.sends.splice(0)) this.platform.finish(io, 0, io.moved);
    }
    this.#arrived();
  }

  #arriveReset(): void {
    // Both FINs are through: there is no connection any more that a RST could end, and what was received stays readable.
    if (this.broken !== 0 || (this.ended && this.finDelivered)) return;
    this.#network.note(() => `RST arrives, ${this.peer.toString()}`);
    this.broken = STATUS_CONNECTION_RESET;
    this.#resetSeen = this.receives.length > 0;
    if (this.platform.profile.resetDropsUnread && this.#network.maybe()) this.in.clear();
    this.out.clear();
    this.finAsked = false;
    this.#arrived();
    if (this.sends.length > 0 && !this.#network.maybe()) this.serveSends();
  }

  /** Something came in: receives are served now, or a little later. */
  #arrived(): void {
    if (this.receives.length > 0 && !this.#network.maybe()) this.serveReceives();
    else this.update();
  }

  #fail(): void {
    this.out.clear();
    this.in.clear();
    this.finAsked = false;
    for (const io of this.receives.splice(0)) this.platform.finish(io, this.broken, 0);
    for (const io of this.sends.splice(0)) this.platform.finish(io, this.broken, 0);
    this.update();
    this.peer.update();
  }
}
