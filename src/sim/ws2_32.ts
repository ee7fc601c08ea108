/** ws2_32.dll of a simulated process. Socket options are in socket-options.ts. */
import {
  AF_INET,
  AF_INET6,
  FIONBIO,
  SD_RECEIVE,
  SD_SEND,
  SIO_GET_EXTENSION_FUNCTION_POINTER,
  SIO_KEEPALIVE_VALS,
  SIO_TCP_INITIAL_RTO,
  SO_LINGER,
  SOCK_STREAM,
  SOCKET_ERROR,
  SOL_SOCKET,
  WSA_FLAG_OVERLAPPED,
} from '../../ffi/constants.ts';
import { GUID, WSABUF, WSADATA_SIZE } from '../../ffi/layouts.ts';
import { ntStatusToWinsockError, STATUS_CONNECTION_RESET, STATUS_PENDING } from '../../ffi/ntstatus.ts';
import {
  ERROR_IO_PENDING,
  WSAEADDRNOTAVAIL,
  WSAEAFNOSUPPORT,
  WSAEFAULT,
  WSAEINVAL,
  WSAEISCONN,
  WSAEMFILE,
  WSAENOTCONN,
  WSAEOPNOTSUPP,
  WSAESHUTDOWN,
  WSAEWOULDBLOCK,
} from '../../ffi/wsa-errors.ts';
import { WSAID } from '../../ffi/mswsock.ts';
import type { Ws2_32 } from '../../ffi/ws2_32.ts';
import type { FaultyCall } from './faults.ts';
import { Io, type IoKind, type Segment } from './io.ts';
import type { SimulatedKernel } from './kernel.ts';
import { POINTERS } from './mswsock.ts';
import { SimulationError } from './simulation-error.ts';
import { readSockaddr, sockaddrSize, writeSockaddr, type SimulatedAddress } from './sockaddr.ts';
import { getOption, setOption } from './socket-options.ts';
import { Listener, SimulatedSocket } from './socket.ts';
import type { TcpEnd } from './tcp-end.ts';

/** What an out-parameter holds that means nothing: a pending call must not be believed. */
const MEANINGLESS = 0xdead_beef;
/** Most WSABUFs of one call. */
const MAX_BUFFERS = 1024;

export class SimulatedWs2_32 implements Ws2_32 {
  readonly #kernel: SimulatedKernel;

  constructor(kernel: SimulatedKernel) {
    this.#kernel = kernel;
  }

  WSAStartup(_version: number, data: number): number {
    this.#kernel.memory.at(data, WSADATA_SIZE, 'WSAStartup');
    return 0;
  }

  WSACleanup(): number {
    return 0;
  }

  WSASocketW(af: number, type: number, _protocol: number, _info: number, _group: number, flags: number): number {
    const kernel = this.#kernel;
    const fault = kernel.faults?.call('WSASocketW') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    if (af !== AF_INET && af !== AF_INET6) return this.#fail(WSAEAFNOSUPPORT);
    if (type !== SOCK_STREAM || (flags & WSA_FLAG_OVERLAPPED) === 0) {
      throw new SimulationError('Only overlapped stream sockets are simulated');
    }
    const number = kernel.takeNumber();
    if (number === 0) return this.#fail(WSAEMFILE);
    kernel.addHandle(new SimulatedSocket(number, kernel, af === AF_INET ? 4 : 6));
    return number;
  }

  bind(s: number, name: number, namelen: number): number {
    const kernel = this.#kernel;
    const socket = kernel.socket(s);
    if (socket === null || this.#faulty('bind')) return SOCKET_ERROR;
    if (socket.local !== null) return this.#fail(WSAEINVAL);
    const address = readSockaddr(kernel.memory.at(name, namelen, 'bind: name'), name, namelen);
    if (address?.family !== socket.family) return this.#fail(WSAEFAULT);
    if (!address.isAny && !address.isLoopback) return this.#fail(WSAEADDRNOTAVAIL);
    return this.#result(kernel.network.ports.bind(socket, address));
  }

  listen(s: number, backlog: number): number {
    const socket = this.#kernel.socket(s);
    if (socket === null || this.#faulty('listen')) return SOCKET_ERROR;
    if (socket.local === null) return this.#fail(WSAEINVAL);
    if (socket.isConnected) return this.#fail(WSAEISCONN);
    // Wine has Linux' backlog, which takes one more.
    socket.listener ??= new Listener(socket, socket.kernel.profile.refusesWhenFull ? backlog : backlog + 1);
    return 0;
  }

  WSARecv(s: number, buffers: number, count: number, bytesAddress: number, flags: number, overlapped: number): number {
    const kernel = this.#kernel;
    const socket = kernel.socket(s);
    if (socket === null) return SOCKET_ERROR;
    const end = socket.end;
    if (end === null) return this.#fail(WSAENOTCONN);
    if (end.receiveShut) return this.#fail(WSAESHUTDOWN);
    kernel.memory.at(flags, 4, 'WSARecv: lpFlags');
    if (overlapped === 0) return this.#receiveNow(socket, end, buffers, count, bytesAddress);
    const io = this.#prepare('WSARecv', socket, buffers, count, overlapped);
    if (io === null || this.#broken(end, io)) return SOCKET_ERROR;
    kernel.ledger.lend(io);
    if (end.receives.length === 0 && end.isReadable && !kernel.network.maybe()) {
      const bytes = end.in.length > 0 ? end.fill(io) : 0;
      end.peer.update();
      return this.#finished(io, bytes, bytesAddress);
    }
    end.receives.push(io);
    end.update();
    return this.#pending(bytesAddress);
  }

  WSASend(s: number, buffers: number, count: number, bytesAddress: number, _flags: number, overlapped: number): number {
    const kernel = this.#kernel;
    const socket = kernel.socket(s);
    if (socket === null) return SOCKET_ERROR;
    const end = socket.end;
    if (end === null) return this.#fail(WSAENOTCONN);
    if (socket.sendShut) return this.#fail(WSAESHUTDOWN);
    const io = this.#prepare('WSASend', socket, buffers, count, overlapped);
    if (io === null || this.#broken(end, io)) return SOCKET_ERROR;
    kernel.ledger.lend(io);
    const fits = kernel.profile.sendsAreTakenWhole ? end.room > 0 : end.room >= io.total;
    if (end.sends.length === 0 && fits && !kernel.network.maybe() && end.take(io)) {
      end.update();
      return this.#finished(io, io.moved, bytesAddress);
    }
    end.sends.push(io);
    end.update();
    return this.#pending(bytesAddress);
  }

  WSAIoctl(
    s: number,
    code: number,
    input: number,
    inputSize: number,
    output: number,
    outputSize: number,
    returned: number,
  ): number {
    const kernel = this.#kernel;
    const socket = kernel.socket(s);
    if (socket === null || this.#faulty('WSAIoctl')) return SOCKET_ERROR;
    const inputRegion = kernel.memory.at(input, inputSize, 'WSAIoctl: lpvInBuffer');
    kernel.memory.at(returned, 4, 'WSAIoctl: lpcbBytesReturned').setUint32(returned, outputSize);
    if (code === SIO_GET_EXTENSION_FUNCTION_POINTER) {
      if (inputSize !== GUID.size || outputSize !== 8) return this.#fail(WSAEFAULT);
      const first = inputRegion.getUint32(input).toString(16).padStart(8, '0');
      for (const name of ['AcceptEx', 'ConnectEx', 'GetAcceptExSockaddrs'] as const) {
        if (!WSAID[name].startsWith(first)) continue;
        kernel.memory.at(output, 8, 'WSAIoctl: lpvOutBuffer').setPointer(output, POINTERS[name]);
        return 0;
      }
      return this.#fail(WSAEINVAL);
    }
    if (code === SIO_KEEPALIVE_VALS) return inputSize === 12 ? 0 : this.#fail(WSAEFAULT);
    if (code !== SIO_TCP_INITIAL_RTO || !kernel.profile.knowsInitialRto) return this.#fail(WSAEOPNOTSUPP);
    socket.oneSyn = true;
    return 0;
  }

  setsockopt(s: number, level: number, name: number, value: number, length: number): number {
    const socket = this.#kernel.socket(s);
    if (socket === null) return SOCKET_ERROR;
    // A system that refused SO_LINGER would leave no way to send RST: there is nothing to learn from it.
    if (!(level === SOL_SOCKET && name === SO_LINGER) && this.#faulty('setsockopt')) return SOCKET_ERROR;
    return this.#result(setOption(this.#kernel, socket, level, name, value, length));
  }

  getsockopt(s: number, level: number, name: number, value: number, length: number): number {
    const socket = this.#kernel.socket(s);
    if (socket === null) return SOCKET_ERROR;
    return this.#result(getOption(this.#kernel, socket, level, name, value, length));
  }

  getsockname(s: number, name: number, namelen: number): number {
    const socket = this.#kernel.socket(s);
    if (socket === null || this.#faulty('getsockname')) return SOCKET_ERROR;
    if (socket.contextMissing) return this.#fail(WSAENOTCONN);
    return socket.local === null ? this.#fail(WSAEINVAL) : this.#giveAddress(socket.local, name, namelen);
  }

  getpeername(s: number, name: number, namelen: number): number {
    const socket = this.#kernel.socket(s);
    if (socket === null) return SOCKET_ERROR;
    if (socket.end === null || socket.contextMissing) return this.#fail(WSAENOTCONN);
    return this.#giveAddress(socket.end.remote, name, namelen);
  }

  shutdown(s: number, how: number): number {
    const socket = this.#kernel.socket(s);
    if (socket === null || this.#faulty('shutdown')) return SOCKET_ERROR;
    const { end } = socket;
    if (end === null || socket.contextMissing) return this.#fail(WSAENOTCONN);
    if (how !== SD_RECEIVE) {
      socket.sendShut = true;
      if (end.broken === 0) end.finAsked = true;
    }
    if (how !== SD_SEND) {
      end.receiveShut = true;
      // "If there is still data queued on the socket waiting to be received […] the connection is reset".
      if (end.in.length > 0 && socket.kernel.profile.shutReceiveResets && this.#kernel.network.maybe()) end.abort();
    }
    end.update();
    return 0;
  }

  closesocket(s: number): number {
    const kernel = this.#kernel;
    const socket = kernel.socket(s);
    if (socket === null) return SOCKET_ERROR;
    kernel.removeHandle(s);
    kernel.closeSocket(socket);
    return 0;
  }

  ioctlsocket(s: number, command: number, argument: number): number {
    const socket = this.#kernel.socket(s);
    if (socket === null) return SOCKET_ERROR;
    if (command !== FIONBIO) return this.#fail(WSAEINVAL);
    socket.nonBlocking = this.#kernel.memory.at(argument, 4, 'ioctlsocket: argp').getUint32(argument) !== 0;
    return 0;
  }

  accept(): number {
    return notSimulated('accept');
  }

  connect(): number {
    return notSimulated('connect');
  }

  WSASendTo(): number {
    return notSimulated('WSASendTo');
  }

  WSAPoll(): number {
    return notSimulated('WSAPoll');
  }

  WSAGetLastError(): number {
    return this.#kernel.lastError;
  }

  /** recv() by another name: no OVERLAPPED, no packet. */
  #receiveNow(socket: SimulatedSocket, end: TcpEnd, buffers: number, count: number, bytesAddress: number): number {
    if (!socket.nonBlocking)
      throw new SimulationError('A WSARecv that would block the thread: no OVERLAPPED, no FIONBIO');
    const { memory } = this.#kernel;
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

  /** An operation on the WSABUFs of a call; null when the call fails at once. */
  #prepare(kind: IoKind, socket: SimulatedSocket, buffers: number, count: number, overlapped: number): Io | null {
    const { memory, ledger } = this.#kernel;
    if (count < 1 || count > MAX_BUFFERS) throw new SimulationError(`${kind} with ${count} WSABUFs`);
    const region = ledger.overlapped(overlapped, kind);
    const array = memory.at(buffers, count * WSABUF.size, `${kind}: lpBuffers`);
    const segments: Segment[] = [];
    for (let at = buffers; at < buffers + count * WSABUF.size; at += WSABUF.size) {
      const segment = ledger.segment(array.getPointer(at + WSABUF.buf), array.getUint32(at + WSABUF.len), kind);
      if (segment !== null) segments.push(segment);
    }
    return new Io(kind, socket, overlapped, region, segments);
  }

  /** The call fails at once: no packet, and OVERLAPPED.Internal stays at STATUS_PENDING all the same. */
  #broken(end: TcpEnd, io: Io): boolean {
    const kernel = this.#kernel;
    const call = io.kind === 'WSASend' ? 'WSASend' : 'WSARecv';
    let code = kernel.faults?.call(call) ?? 0;
    if (code !== 0) {
      if (kernel.faults?.breaks(code) === true) end.break(STATUS_CONNECTION_RESET);
    } else if (end.broken !== 0 && (call === 'WSASend' || (end.in.length === 0 && !end.resetLooksLikeEnd))) {
      code = ntStatusToWinsockError(end.broken);
    }
    if (code === 0) return false;
    io.region.setPointer(io.overlapped, STATUS_PENDING);
    kernel.lastError = code;
    return true;
  }

  /** Success at once. The packet comes as well, unless the socket skips it. */
  #finished(io: Io, bytes: number, bytesAddress: number): 0 {
    const kernel = this.#kernel;
    if (bytesAddress !== 0) kernel.memory.at(bytesAddress, 4, 'lpNumberOfBytes').setUint32(bytesAddress, bytes);
    if (io.socket.skips) {
      io.verify();
      io.write(0, bytes);
      kernel.ledger.giveBack(io);
    } else kernel.finish(io, 0, bytes);
    return 0;
  }

  #pending(bytesAddress: number): -1 {
    const { memory } = this.#kernel;
    if (bytesAddress !== 0) memory.at(bytesAddress, 4, 'lpNumberOfBytes').setUint32(bytesAddress, MEANINGLESS);
    return this.#fail(ERROR_IO_PENDING);
  }

  #giveAddress(address: SimulatedAddress, name: number, namelen: number): number {
    const { memory } = this.#kernel;
    const lengthRegion = memory.at(namelen, 4, 'namelen');
    const size = sockaddrSize(address.family);
    if (lengthRegion.getUint32(namelen) < size) return this.#fail(WSAEFAULT);
    writeSockaddr(memory.at(name, size, 'name'), name, address);
    lengthRegion.setUint32(namelen, size);
    return 0;
  }

  #faulty(call: FaultyCall): boolean {
    const fault = this.#kernel.faults?.call(call) ?? 0;
    if (fault !== 0) this.#kernel.lastError = fault;
    return fault !== 0;
  }

  #result(code: number): number {
    return code === 0 ? 0 : this.#fail(code);
  }

  #fail(code: number): -1 {
    this.#kernel.lastError = code;
    return SOCKET_ERROR;
  }
}

function notSimulated(call: string): never {
  throw new SimulationError(`${call} is not simulated: this kernel is for the completion port driver`);
}
