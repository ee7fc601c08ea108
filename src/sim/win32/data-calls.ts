/** WSARecv and WSASend of a simulated process: the calls whose buffers are lent. */
import { SOCKET_ERROR } from '../../../ffi/constants.ts';
import { WSABUF } from '../../../ffi/layouts.ts';
import { ntStatusToWinsockError, STATUS_CONNECTION_RESET, STATUS_PENDING } from '../../../ffi/ntstatus.ts';
import { ERROR_IO_PENDING, WSAENOTCONN, WSAESHUTDOWN, WSAEWOULDBLOCK } from '../../../ffi/wsa-errors.ts';
import type { IoKind, SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import { Io, type Segment } from '../kernel/io.ts';
import type { SimulatedSocket } from '../kernel/socket.ts';
import type { TcpEnd } from '../kernel/tcp-end.ts';

/** What an out-parameter holds that means nothing: a pending call must not be believed. */
const MEANINGLESS = 0xdead_beef;
/** Most WSABUFs of one call. */
const MAX_BUFFERS = 1024;

export class DataCalls {
  readonly #platform: SimulatedProcess;

  constructor(platform: SimulatedProcess) {
    this.#platform = platform;
  }

  /** WSARecv. Without an OVERLAPPED it is recv(). */
  receive(s: number, buffers: number, count: number, bytesAddress: number, flags: number, overlapped: number): number {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    const end = socket.end;
    if (end === null) return this.#fail(WSAENOTCONN);
    if (end.receiveShut) return this.#fail(WSAESHUTDOWN);
    platform.memory.at(flags, 4, 'WSARecv: lpFlags');
    if (overlapped === 0) return this.#receiveNow(socket, end, buffers, count, bytesAddress);
    const io = prepareIo(platform, 'WSARecv', socket, buffers, count, overlapped);
    if (this.#broken(end, io)) return SOCKET_ERROR;
    platform.ledger.lend(io);
    if (end.receives.length === 0 && end.isReadable && !platform.network.maybe()) {
      const bytes = end.in.length > 0 ? end.fill(io) : 0;
      end.peer.update();
      return this.#finished(io, bytes, bytesAddress);
    }
    end.receives.push(io);
    end.update();
    return this.#pending(bytesAddress);
  }

  send(s: number, buffers: number, count: number, bytesAddress: number, overlapped: number): number {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    if (socket.sendShut) return this.#fail(WSAESHUTDOWN);
    const end = socket.end;
    if (end === null) return this.#fail(WSAENOTCONN);
    if (overlapped === 0) return this.#sendNow(socket, end, buffers, count, bytesAddress);
    const io = prepareIo(platform, 'WSASend', socket, buffers, count, overlapped);
    if (this.#broken(end, io)) return SOCKET_ERROR;
    platform.ledger.lend(io);
    const fits = platform.profile.sendsAreTakenWhole ? end.room > 0 : end.room >= io.total;
    if (end.sends.length === 0 && fits && !platform.network.maybe() && end.take(io)) {
      end.update();
      return this.#finished(io, io.moved, bytesAddress);
    }
    end.sends.push(io);
    end.update();
    return this.#pending(bytesAddress);
  }

  /** recv() by another name: no OVERLAPPED, no packet. */
  #receiveNow(socket: SimulatedSocket, end: TcpEnd, buffers: number, count: number, bytesAddress: number): number {
    if (!socket.nonBlocking)
      throw new SimulationError('A WSARecv that would block the thread: no OVERLAPPED, no FIONBIO');
    const { memory } = this.#platform;
    if (end.in.length === 0) {
      if (end.broken !== 0 && !end.resetLooksLikeEnd) return this.#fail(ntStatusToWinsockError(end.broken));
      if (!end.isReadable) return this.#fail(WSAEWOULDBLOCK);
    }
    const array = memory.at(buffers, count * WSABUF.size, 'WSARecv: lpBuffers');
    let bytes = 0;
    for (let at = buffers; at < buffers + count * WSABUF.size; at += WSABUF.size) {
      const length = Math.min(array.getUint32(at + WSABUF.len), end.in.length);
      const address = array.getPointer(at + WSABUF.buf);
      const region = memory.at(address, length, 'WSARecv: buffer');
      end.in.take(region.bytes, address - region.address, length);
      bytes += length;
    }
    end.update();
    end.peer.update();
    memory.at(bytesAddress, 4, 'lpNumberOfBytesRecvd').setUint32(bytesAddress, bytes);
    return 0;
  }

  /** send() by another name. Windows takes all of it as soon as it has any room; Wine, as Linux, what there is room for. */
  #sendNow(socket: SimulatedSocket, end: TcpEnd, buffers: number, count: number, bytesAddress: number): number {
    const { memory, profile, faults } = this.#platform;
    if (!socket.nonBlocking)
      throw new SimulationError('A WSASend that would block the thread: no OVERLAPPED, no FIONBIO');
    if (end.sends.length > 0)
      throw new SimulationError('A send() beside an overlapped WSASend: their order is nobody’s');
    const fault = faults?.call('WSASend') ?? 0;
    if (fault !== 0) {
      if (faults?.breaks(fault) === true) end.break(STATUS_CONNECTION_RESET);
      return this.#fail(fault);
    }
    if (end.broken !== 0) return this.#fail(ntStatusToWinsockError(end.broken));
    if (end.room === 0) return this.#fail(WSAEWOULDBLOCK);
    const array = memory.at(buffers, count * WSABUF.size, 'WSASend: lpBuffers');
    let bytes = 0;
    for (let at = buffers; at < buffers + count * WSABUF.size; at += WSABUF.size) {
      const given = array.getUint32(at + WSABUF.len);
      const length = profile.sendsAreTakenWhole ? given : Math.min(given, end.room);
      const address = array.getPointer(at + WSABUF.buf);
      const region = memory.at(address, length, 'WSASend: buffer');
      end.out.push(region.bytes, address - region.address, length);
      bytes += length;
    }
    end.update();
    memory.at(bytesAddress, 4, 'lpNumberOfBytesSent').setUint32(bytesAddress, bytes);
    return 0;
  }

  /** The call fails at once: no packet, and OVERLAPPED.Internal stays at STATUS_PENDING all the same. */
  #broken(end: TcpEnd, io: Io): boolean {
    const platform = this.#platform;
    const call = io.kind === 'WSASend' ? 'WSASend' : 'WSARecv';
    let code = platform.faults?.call(call) ?? 0;
    if (code !== 0) {
      if (platform.faults?.breaks(code) === true) end.break(STATUS_CONNECTION_RESET);
    } else if (end.broken !== 0 && (call === 'WSASend' || (end.in.length === 0 && !end.resetLooksLikeEnd))) {
      code = ntStatusToWinsockError(end.broken);
    }
    if (code === 0) return false;
    io.region.setPointer(io.overlapped, STATUS_PENDING);
    platform.lastError = code;
    return true;
  }

  #finished(io: Io, bytes: number, bytesAddress: number): 0 {
    const platform = this.#platform;
    if (bytesAddress !== 0) platform.memory.at(bytesAddress, 4, 'lpNumberOfBytes').setUint32(bytesAddress, bytes);
    finishAtOnce(platform, io, bytes);
    return 0;
  }

  #pending(bytesAddress: number): -1 {
    const { memory } = this.#platform;
    if (bytesAddress !== 0) memory.at(bytesAddress, 4, 'lpNumberOfBytes').setUint32(bytesAddress, MEANINGLESS);
    return this.#fail(ERROR_IO_PENDING);
  }

  #fail(code: number): -1 {
    this.#platform.lastError = code;
    return SOCKET_ERROR;
  }
}

/** Success at once. The packet comes as well, unless the socket skips it. */
export function finishAtOnce(platform: SimulatedProcess, io: Io, bytes: number): void {
  if (io.socket.skips) {
    io.verify();
    io.write(0, bytes);
    platform.ledger.giveBack(io);
  } else platform.finish(io, 0, bytes);
}

/** An operation on the WSABUFs of a call, checked and not yet lent. */
export function prepareIo(
  platform: SimulatedProcess,
  kind: IoKind,
  socket: SimulatedSocket,
  buffers: number,
  count: number,
  overlapped: number,
): Io {
  const { memory, ledger } = platform;
  if (count < 1 || count > MAX_BUFFERS) throw new SimulationError(`${kind} with ${count} WSABUFs`);
  const region = ledger.overlapped(overlapped, kind);
  const array = memory.at(buffers, count * WSABUF.size, `${kind}: lpBuffers`);
  const segments: Segment[] = [];
  for (let at = buffers; at < buffers + count * WSABUF.size; at += WSABUF.size) {
    const segment = ledger.segment(array.getPointer(at + WSABUF.buf), array.getUint32(at + WSABUF.len), kind);
    if (segment !== null) segments.push(segment);
  }
  return new Io(platform, kind, socket, overlapped, region, segments);
}
