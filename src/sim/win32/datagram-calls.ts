/** WSARecvFrom and WSASendTo of a simulated process, and connect() on its UDP sockets. */
import { AF_UNSPEC, SOCKET_ERROR } from '../../../ffi/constants.ts';
import { WSABUF } from '../../../ffi/layouts.ts';
import { ntStatusToWinsockError, STATUS_PENDING } from '../../../ffi/ntstatus.ts';
import {
  ERROR_IO_PENDING,
  WSAEACCES,
  WSAEADDRNOTAVAIL,
  WSAEDESTADDRREQ,
  WSAEFAULT,
  WSAEINVAL,
  WSAEMSGSIZE,
  WSAENETUNREACH,
  WSAEWOULDBLOCK,
} from '../../../ffi/wsa-errors.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import type { Io } from '../kernel/io.ts';
import {
  loopbackAddress,
  readSockaddr,
  sockaddrSize,
  writeSockaddr,
  type SimulatedAddress,
} from '../kernel/sockaddr.ts';
import type { SimulatedSocket } from '../kernel/socket.ts';
import type { UdpEnd } from '../kernel/udp-end.ts';
import { prepareIo } from './data-calls.ts';

/** Largest datagrams over IPv4 and IPv6, bytes. */
const MAX_IPV4_DATAGRAM = 65507;
const MAX_IPV6_DATAGRAM = 65527;

/** Where a WSARecvFrom leaves what it says. */
interface ReceiveResults {
  readonly bytesAddress: number;
  readonly flags: number;
  readonly from: number;
  readonly fromLength: number;
}

export class DatagramCalls {
  readonly #platform: SimulatedProcess;

  constructor(platform: SimulatedProcess) {
    this.#platform = platform;
  }

  receiveFrom(
    s: number,
    buffers: number,
    count: number,
    bytesAddress: number,
    flags: number,
    from: number,
    fromLength: number,
    overlapped: number,
  ): number {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    const udp = requireUdp(socket, 'WSARecvFrom');
    if ((overlapped === 0) !== (bytesAddress !== 0))
      throw new SimulationError('A WSARecvFrom that counts its bytes where an OVERLAPPED does, or nowhere');
    if (socket.local === null) return this.#fail(WSAEINVAL);
    if (overlapped === 0) return this.#receiveNow(udp, buffers, count, { bytesAddress, flags, from, fromLength });
    const io = prepareIo(platform, 'WSARecvFrom', socket, buffers, count, overlapped);
    this.#lendAddress(io, from, fromLength, flags);
    if (io.region.getUint32(fromLength) < sockaddrSize(socket.family)) return this.#fail(WSAEFAULT);
    if (this.#refused(udp, io, true)) return SOCKET_ERROR;
    platform.ledger.lend(io);
    if (udp.receives.length === 0 && udp.isReadable && !platform.network.maybe()) {
      const { status, bytes } = udp.fill(io);
      platform.finish(io, status, bytes);
      if (status === 0) return 0;
      // The packet comes; only the words of the call differ.
      return this.#fail(platform.profile.truncationFailsCall ? WSAEMSGSIZE : ERROR_IO_PENDING);
    }
    udp.receives.push(io);
    udp.update();
    return this.#fail(ERROR_IO_PENDING);
  }

  /** recvfrom() by another name: no OVERLAPPED, no packet. */
  #receiveNow(
    udp: UdpEnd,
    buffers: number,
    count: number,
    { bytesAddress, flags, from, fromLength }: ReceiveResults,
  ): number {
    const { memory, faults } = this.#platform;
    const { socket } = udp;
    if (!socket.nonBlocking)
      throw new SimulationError('A WSARecvFrom that would block the thread: no OVERLAPPED, no FIONBIO');
    if (udp.receives.length > 0)
      throw new SimulationError('A recvfrom() beside an overlapped WSARecvFrom: whose a datagram is, nobody knows');
    const fault = (faults?.call('WSARecvFrom') ?? 0) || this.#takeReport(udp, true);
    if (fault !== 0) return this.#fail(fault);
    const flight = udp.shift();
    if (flight === undefined) return this.#fail(WSAEWOULDBLOCK);
    const region = memory.at(from, sockaddrSize(socket.family), 'WSARecvFrom: lpFrom');
    region.setUint32(fromLength, writeSockaddr(region, from, udp.seen(flight.from)));
    memory.at(flags, 4, 'WSARecvFrom: lpFlags');
    const array = memory.at(buffers, count * WSABUF.size, 'WSARecvFrom: lpBuffers');
    let copied = 0;
    for (let at = buffers; at < buffers + count * WSABUF.size; at += WSABUF.size) {
      const length = array.getUint32(at + WSABUF.len);
      const address = array.getPointer(at + WSABUF.buf);
      const buffer = memory.at(address, length, 'WSARecvFrom: buffer');
      const piece = flight.bytes.subarray(copied, copied + length);
      buffer.bytes.set(piece, address - buffer.address);
      copied += piece.length;
    }
    udp.update();
    memory.at(bytesAddress, 4, 'lpNumberOfBytesRecvd').setUint32(bytesAddress, copied);
    return copied < flight.bytes.length ? this.#fail(WSAEMSGSIZE) : 0;
  }

  sendTo(
    s: number,
    buffers: number,
    count: number,
    bytesAddress: number,
    to: number,
    toLength: number,
    overlapped: number,
  ): number {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    const udp = requireUdp(socket, 'WSASendTo');
    if ((overlapped === 0) !== (bytesAddress !== 0))
      throw new SimulationError('A WSASendTo that counts its bytes where an OVERLAPPED does, or nowhere');
    if (socket.local === null) throw new SimulationError('WSASendTo on an unbound socket is not simulated');
    const target =
      to === 0 ? udp.remote : readSockaddr(platform.memory.at(to, toLength, 'WSASendTo: lpTo'), to, toLength);
    if (target === null) return this.#fail(to === 0 ? WSAEDESTADDRREQ : WSAEFAULT);
    if (target.family !== socket.family) return this.#fail(WSAEFAULT);
    if (overlapped === 0) return this.#sendNow(udp, target, buffers, count, bytesAddress);
    const io = prepareIo(platform, 'WSASendTo', socket, buffers, count, overlapped);
    const code = this.#check(udp, target, io.total);
    if (code !== 0) {
      io.region.setPointer(io.overlapped, STATUS_PENDING);
      return this.#fail(code);
    }
    if (this.#refused(udp, io, platform.profile.unreachableFailsSend)) return SOCKET_ERROR;
    io.target = target.unmapped ?? target;
    io.sender = sourceOf(socket.local, io.target);
    platform.ledger.lend(io);
    if (udp.sends.length === 0 && udp.hasRoom && !platform.network.maybe()) {
      udp.take(io);
      platform.finish(io, 0, io.total);
      return 0;
    }
    udp.sends.push(io);
    udp.update();
    return this.#fail(ERROR_IO_PENDING);
  }

  /** sendto() by another name: no OVERLAPPED, no packet. */
  #sendNow(udp: UdpEnd, to: SimulatedAddress, buffers: number, count: number, bytesAddress: number): number {
    const { memory, faults, profile } = this.#platform;
    const { local, nonBlocking } = udp.socket;
    if (!nonBlocking) throw new SimulationError('A WSASendTo that would block the thread: no OVERLAPPED, no FIONBIO');
    if (udp.sends.length > 0)
      throw new SimulationError('A sendto() beside an overlapped WSASendTo: their order is nobody’s');
    const array = memory.at(buffers, count * WSABUF.size, 'WSASendTo: lpBuffers');
    const parts: Uint8Array[] = [];
    for (let at = buffers; at < buffers + count * WSABUF.size; at += WSABUF.size) {
      const length = array.getUint32(at + WSABUF.len);
      const address = array.getPointer(at + WSABUF.buf);
      const region = memory.at(address, length, 'WSASendTo: buffer');
      parts.push(region.bytes.subarray(address - region.address, address - region.address + length));
    }
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    const code = this.#check(udp, to, bytes.length);
    if (code !== 0) return this.#fail(code);
    const fault = (faults?.call('WSASendTo') ?? 0) || this.#takeReport(udp, profile.unreachableFailsSend);
    if (fault !== 0) return this.#fail(fault);
    if (!udp.hasRoom) return this.#fail(WSAEWOULDBLOCK);
    const target = to.unmapped ?? to;
    if (local === null) throw new SimulationError('WSASendTo on an unbound socket is not simulated');
    udp.send({ bytes, from: sourceOf(local, target), to: target });
    memory.at(bytesAddress, 4, 'lpNumberOfBytesSent').setUint32(bytesAddress, bytes.length);
    return 0;
  }

  connect(s: number, name: number, namelen: number): number {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    const udp = requireUdp(socket, 'connect');
    const region = platform.memory.at(name, namelen, 'connect: name');
    if ((region.getUint32(name) & 0xffff) === AF_UNSPEC) {
      udp.remote = null;
      return 0;
    }
    const target = readSockaddr(region, name, namelen);
    if (target?.family !== socket.family) return this.#fail(WSAEFAULT);
    if (target.isAny || target.port === 0) return this.#fail(WSAEADDRNOTAVAIL);
    udp.remote = target;
    return 0;
  }

  /** What WSARecvFrom writes beside the data is lent as well. */
  #lendAddress(io: Io, from: number, fromLength: number, flags: number): void {
    const { ledger } = this.#platform;
    const lent = [
      ledger.segment(from, sockaddrSize(io.socket.family), io.kind),
      ledger.segment(fromLength, 4, io.kind),
      ledger.segment(flags, 4, io.kind),
    ];
    for (const segment of lent) {
      if (segment?.region !== io.region)
        throw new SimulationError('Only addresses next to the OVERLAPPED are simulated');
      io.aside.push(segment);
    }
    io.fromAddress = from;
    io.fromLengthAddress = fromLength;
  }

  /** The call fails at once: by plan, or because an ICMP report waits to be told. */
  #refused(udp: UdpEnd, io: Io, tellsReport: boolean): boolean {
    const platform = this.#platform;
    let code = platform.faults?.call(io.kind === 'WSASendTo' ? 'WSASendTo' : 'WSARecvFrom') ?? 0;
    if (code === 0) code = this.#takeReport(udp, tellsReport);
    if (code === 0) return false;
    io.region.setPointer(io.overlapped, STATUS_PENDING);
    platform.lastError = code;
    return true;
  }

  /** The error code of an ICMP report that waits to be told, which it is now; 0 for none. */
  #takeReport(udp: UdpEnd, tells: boolean): number {
    if (!tells || udp.report === 0 || udp.receives.length > 0) return 0;
    const code = ntStatusToWinsockError(udp.report);
    udp.report = 0;
    return code;
  }

  #check(udp: UdpEnd, target: SimulatedAddress, total: number): number {
    const wanted = target.unmapped ?? target;
    if (target.isAny || target.port === 0) return WSAEADDRNOTAVAIL;
    if (total > (wanted.family === 4 ? MAX_IPV4_DATAGRAM : MAX_IPV6_DATAGRAM)) return WSAEMSGSIZE;
    if (wanted.isBroadcast && !udp.broadcast) return WSAEACCES;
    return this.#platform.network.route(wanted) === 'unreachable' ? WSAENETUNREACH : 0;
  }

  #fail(code: number): -1 {
    this.#platform.lastError = code;
    return SOCKET_ERROR;
  }
}

function requireUdp(socket: SimulatedSocket, call: string): UdpEnd {
  if (socket.udp === null) throw new SimulationError(`${call} on a stream socket is not simulated`);
  if (socket.skips) throw new SimulationError(`${call} on a socket that skips packets is not simulated`);
  return socket.udp;
}

/** The address that a datagram is seen to come from. */
function sourceOf(local: SimulatedAddress, target: SimulatedAddress): SimulatedAddress {
  const bound = local.unmapped ?? local;
  return bound.isAny ? loopbackAddress(target.family, local.port) : bound;
}
