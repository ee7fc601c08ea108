/**
 * A simulated UDP socket's end.
 *
 *   WSASendTo ──► sends ──► out ═══ the network ═══► the receivers' inbox ──► receives ──► WSARecvFrom's packet
 *              (pending)  (on the way)                  (bounded)            (pending)
 *
 * The network loses, doubles and reorders nothing unless it is told to. What has been taken travels on after closesocket.
 */
import { STATUS_BUFFER_OVERFLOW, STATUS_CANCELLED } from '../../../ffi/ntstatus.ts';
import type { SharedNetwork } from '../machine/machine.ts';
import { Step } from '../schedule/agenda.ts';
import type { Io } from './io.ts';
import type { SimulatedAddress } from './sockaddr.ts';
import { writeSockaddr } from './sockaddr.ts';
import type { SimulatedSocket } from './socket.ts';
import { receiversOf } from './udp-routing.ts';

/** A datagram on its way. */
export interface Flight {
  readonly bytes: Uint8Array;
  readonly from: SimulatedAddress;
  readonly to: SimulatedAddress;
}

/** What an empty datagram counts for in a buffer's size. */
const LEAST_COUNT = 1;

export class UdpEnd {
  readonly socket: SimulatedSocket;
  /** connect()'s peer. */
  remote: SimulatedAddress | null = null;
  readonly receives: Io[] = [];
  readonly sends: Io[] = [];
  /** SIO_UDP_CONNRESET. */
  tellsUnreachable = true;
  /** SO_BROADCAST. */
  broadcast = false;
  /** IP_MULTICAST_LOOP or IPV6_MULTICAST_LOOP. */
  multicastLoop = true;
  /** Joined groups, as `group` or `group source`. */
  readonly groups = new Set<string>();
  /** Status of an ICMP report that nobody has been told yet. */
  report = 0;
  closed = false;
  readonly #network: SharedNetwork;
  readonly #inbox: Flight[] = [];
  #inboxBytes = 0;
  readonly #out: Flight[] = [];
  #outBytes = 0;
  readonly #flow: Step;
  readonly #receive: Step;
  readonly #send: Step;

  constructor(socket: SimulatedSocket) {
    this.socket = socket;
    this.#network = socket.platform.network;
    this.#flow = new Step('datagram travels', () => {
      this.#travel();
    });
    this.#receive = new Step('serve datagram receive', () => {
      this.serveReceives();
    });
    this.#send = new Step('take datagram', () => {
      this.#serveSends();
    });
  }

  /** A receive would not have to wait. */
  get isReadable(): boolean {
    return this.#inbox.length > 0;
  }

  /** A send would not have to wait. A datagram is taken whole while the buffer is not full. */
  get hasRoom(): boolean {
    return this.#outBytes < (this.socket.sendBufferSize ?? this.socket.platform.sendBufferSize);
  }

  /** Takes a datagram out of a send's buffers; `io.target` and `io.sender` say between whom. */
  take(io: Io): void {
    io.verify();
    const bytes = new Uint8Array(io.total);
    let filled = 0;
    for (const { region, address, length } of io.segments) {
      const start = address - region.address;
      bytes.set(region.bytes.subarray(start, start + length), filled);
      filled += length;
    }
    io.moved = io.total;
    if (io.sender === null || io.target === null) throw new Error('A WSASendTo without addresses');
    this.send({ bytes, from: io.sender, to: io.target });
  }

  /** Puts a datagram on its way. */
  send(flight: Flight): void {
    this.#out.push(flight);
    this.#outBytes += countOf(flight.bytes);
    this.update();
  }

  /** Takes the oldest datagram that has arrived. */
  shift(): Flight | undefined {
    const flight = this.#inbox.shift();
    if (flight !== undefined) this.#inboxBytes -= countOf(flight.bytes);
    return flight;
  }

  /** A sender as this socket's family sees it. */
  seen(from: SimulatedAddress): SimulatedAddress {
    return this.socket.family === 6 ? from.mapped : from;
  }

  /** Gives the oldest datagram to a receive. Returns the status and the count of its packet. */
  fill(io: Io): { status: number; bytes: number } {
    const flight = this.shift();
    if (flight === undefined) throw new Error('No datagram has arrived');
    io.verify();
    io.verified = true; // what changes from here on, the kernel changes
    let copied = 0;
    for (const { region, address, length } of io.segments) {
      const piece = flight.bytes.subarray(copied, copied + length);
      region.bytes.set(piece, address - region.address);
      copied += piece.length;
    }
    if (io.fromAddress !== 0) {
      const size = writeSockaddr(io.region, io.fromAddress, this.seen(flight.from));
      io.region.setUint32(io.fromLengthAddress, size);
    }
    this.update();
    return { status: copied < flight.bytes.length ? STATUS_BUFFER_OVERFLOW : 0, bytes: copied };
  }

  /** Completes pending receives with what there is. */
  serveReceives(): void {
    const { platform } = this.socket;
    while (this.receives.length > 0 && (this.#inbox.length > 0 || this.report !== 0)) {
      const io = this.receives.shift();
      if (io === undefined) break;
      const fault = platform.faults?.status(io.kind) ?? 0;
      if (fault !== 0) platform.finish(io, fault, 0);
      else if (this.report !== 0) {
        platform.finish(io, this.report, 0);
        this.report = 0;
      } else {
        const { status, bytes } = this.fill(io);
        platform.finish(io, status, bytes);
      }
    }
    this.update();
  }

  /** closesocket. */
  close(): void {
    const { platform } = this.socket;
    this.closed = true;
    for (const io of this.receives.splice(0)) platform.finish(io, platform.profile.closedReceiveStatus, 0);
    for (const io of this.sends.splice(0)) platform.finish(io, STATUS_CANCELLED, 0);
    this.#inbox.length = 0;
    this.update();
  }

  /** Puts on the agenda what is possible now. */
  update(): void {
    const { agenda } = this.#network;
    agenda.set(this.#flow, this.#out.length > 0);
    agenda.set(this.#receive, this.receives.length > 0 && (this.#inbox.length > 0 || this.report !== 0));
    agenda.set(this.#send, this.sends.length > 0 && this.hasRoom);
  }

  #serveSends(): void {
    const { platform } = this.socket;
    while (this.sends.length > 0 && this.hasRoom) {
      const io = this.sends.shift();
      if (io === undefined) break;
      const fault = platform.faults?.status(io.kind) ?? 0;
      if (fault !== 0) {
        platform.finish(io, fault, 0);
        continue;
      }
      this.take(io);
      platform.finish(io, 0, io.total);
    }
    this.update();
  }

  #travel(): void {
    const { packetLoss } = this.#network;
    const place = packetLoss.reorders ? this.#network.choices.pick(this.#out.length) : 0;
    const [flight] = this.#out.splice(place, 1);
    if (flight === undefined) return;
    if (packetLoss.doubles()) this.#out.push(flight);
    else this.#outBytes -= countOf(flight.bytes);
    if (packetLoss.loses()) this.#network.note(() => `a datagram to ${flight.to.toString()} is lost`);
    else {
      const receivers = receiversOf(this.#network, this, flight);
      for (const receiver of receivers) receiver.#arrive(flight);
      const single = !flight.to.isMulticast && !flight.to.isBroadcast;
      if (receivers.length === 0 && single && this.#network.route(flight.to) === 'ok') this.#unreachable();
    }
    this.update();
  }

  #arrive(flight: Flight): void {
    const { socket } = this;
    const limit = socket.receiveBufferSize ?? socket.platform.receiveBufferSize;
    this.#network.note(() => `${flight.bytes.length} bytes from ${flight.from.toString()} to ${flight.to.toString()}`);
    // What does not fit is lost, but an empty buffer takes any datagram.
    if (this.#inbox.length > 0 && this.#inboxBytes + flight.bytes.length > limit) return;
    this.#inbox.push(flight);
    this.#inboxBytes += countOf(flight.bytes);
    this.#serveOrWait();
  }

  /** Nobody has the port that a datagram went to: ICMP says so. */
  #unreachable(): void {
    const { profile } = this.socket.platform;
    if (this.closed || (profile.unreachableNeedsPeer ? this.remote === null : !this.tellsUnreachable)) return;
    this.report = profile.unreachableStatus;
    this.#serveOrWait();
  }

  #serveOrWait(): void {
    if (this.receives.length > 0 && !this.#network.maybe()) this.serveReceives();
    else this.update();
  }
}

function countOf(bytes: Uint8Array): number {
  return Math.max(LEAST_COUNT, bytes.length);
}
