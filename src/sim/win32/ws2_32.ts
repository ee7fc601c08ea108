/**
 * ws2_32.dll of a simulated process. WSARecv and WSASend are in data-calls.ts, WSARecvFrom and WSASendTo in
 * datagram-calls.ts, options in socket-options.ts, duplicates in duplicates.ts.
 */
import {
  AF_INET,
  AF_INET6,
  FIONBIO,
  FROM_PROTOCOL_INFO,
  SD_RECEIVE,
  SD_SEND,
  SIO_GET_EXTENSION_FUNCTION_POINTER,
  SIO_KEEPALIVE_VALS,
  SIO_TCP_INITIAL_RTO,
  SIO_UDP_CONNRESET,
  SIO_UDP_NETRESET,
  SO_LINGER,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOCKET_ERROR,
  SOL_SOCKET,
  WSA_FLAG_OVERLAPPED,
} from '../../../ffi/constants.ts';
import { GUID, WSADATA_SIZE } from '../../../ffi/layouts.ts';
import { WSAID } from '../../../ffi/mswsock.ts';
import type { Ws2_32 } from '../../../ffi/ws2_32.ts';
import {
  WSAEADDRNOTAVAIL,
  WSAEAFNOSUPPORT,
  WSAEFAULT,
  WSAEINVAL,
  WSAEISCONN,
  WSAEMFILE,
  WSAENOTCONN,
  WSAEOPNOTSUPP,
} from '../../../ffi/wsa-errors.ts';
import type { FaultyCall } from '../machine/faults.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import { backlogLimit } from '../kernel/backlog.ts';
import { readSockaddr, sockaddrSize, writeSockaddr, type SimulatedAddress } from '../kernel/sockaddr.ts';
import { Listener, SimulatedSocket } from '../kernel/socket.ts';
import { DataCalls } from './data-calls.ts';
import { DatagramCalls } from './datagram-calls.ts';
import { duplicate, takeDuplicate } from './duplicates.ts';
import { POINTERS } from './mswsock.ts';
import { getOption, setOption } from './socket-options.ts';

export class SimulatedWs2_32 implements Ws2_32 {
  readonly #platform: SimulatedProcess;
  readonly #data: DataCalls;
  readonly #datagrams: DatagramCalls;

  constructor(platform: SimulatedProcess) {
    this.#platform = platform;
    this.#data = new DataCalls(platform);
    this.#datagrams = new DatagramCalls(platform);
  }

  WSAStartup(_version: number, data: number): number {
    this.#platform.memory.at(data, WSADATA_SIZE, 'WSAStartup');
    return 0;
  }

  WSACleanup(): number {
    return 0;
  }

  WSASocketW(af: number, type: number, _protocol: number, info: number, _group: number, flags: number): number {
    const platform = this.#platform;
    const fault = platform.faults?.call('WSASocketW') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    if (info !== 0) {
      if (af !== FROM_PROTOCOL_INFO || type !== FROM_PROTOCOL_INFO) return this.#fail(WSAEINVAL);
      return takeDuplicate(platform, info) ?? this.#fail(WSAEINVAL);
    }
    if (af !== AF_INET && af !== AF_INET6) return this.#fail(WSAEAFNOSUPPORT);
    if ((type !== SOCK_STREAM && type !== SOCK_DGRAM) || (flags & WSA_FLAG_OVERLAPPED) === 0) {
      throw new SimulationError('Only overlapped stream and datagram sockets are simulated');
    }
    const number = platform.takeNumber();
    if (number === 0) return this.#fail(WSAEMFILE);
    const kind = type === SOCK_STREAM ? 'stream' : 'datagram';
    platform.addHandle(new SimulatedSocket(number, platform, af === AF_INET ? 4 : 6, kind));
    return number;
  }

  bind(s: number, name: number, namelen: number): number {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null || this.#faulty('bind')) return SOCKET_ERROR;
    if (socket.local !== null) return this.#fail(WSAEINVAL);
    const address = readSockaddr(platform.memory.at(name, namelen, 'bind: name'), name, namelen);
    if (address?.family !== socket.family) return this.#fail(WSAEFAULT);
    if (!address.isAny && !address.isLoopback) return this.#fail(WSAEADDRNOTAVAIL);
    return this.#result(platform.network.portsOf(socket).bind(socket, address));
  }

  listen(s: number, backlog: number): number {
    const socket = this.#platform.socket(s);
    if (socket === null || this.#faulty('listen')) return SOCKET_ERROR;
    if (socket.local === null) return this.#fail(WSAEINVAL);
    if (socket.isConnected) return this.#fail(WSAEISCONN);
    socket.listener ??= new Listener(socket, backlogLimit(socket.platform.profile, backlog));
    return 0;
  }

  WSARecv(s: number, buffers: number, count: number, bytes: number, flags: number, overlapped: number): number {
    return this.#data.receive(s, buffers, count, bytes, flags, overlapped);
  }

  WSASend(s: number, buffers: number, count: number, bytes: number, _flags: number, overlapped: number): number {
    return this.#data.send(s, buffers, count, bytes, overlapped);
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
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null || this.#faulty('WSAIoctl')) return SOCKET_ERROR;
    const inputRegion = platform.memory.at(input, inputSize, 'WSAIoctl: lpvInBuffer');
    platform.memory.at(returned, 4, 'WSAIoctl: lpcbBytesReturned').setUint32(returned, outputSize);
    if (code === SIO_GET_EXTENSION_FUNCTION_POINTER) {
      if (inputSize !== GUID.size || outputSize !== 8) return this.#fail(WSAEFAULT);
      const first = inputRegion.getUint32(input).toString(16).padStart(8, '0');
      for (const name of ['AcceptEx', 'ConnectEx', 'DisconnectEx', 'GetAcceptExSockaddrs', 'TransmitFile'] as const) {
        if (!WSAID[name].startsWith(first)) continue;
        platform.memory.at(output, 8, 'WSAIoctl: lpvOutBuffer').setPointer(output, POINTERS[name]);
        return 0;
      }
      return this.#fail(WSAEINVAL);
    }
    if (socket.udp !== null && code === SIO_UDP_CONNRESET) {
      socket.udp.tellsUnreachable = inputRegion.getUint32(input) !== 0;
      return 0;
    }
    if (socket.udp !== null && code === SIO_UDP_NETRESET && platform.profile.knowsNetReset) return 0;
    if (code === SIO_KEEPALIVE_VALS) return inputSize === 12 ? 0 : this.#fail(WSAEFAULT);
    if (code !== SIO_TCP_INITIAL_RTO || !platform.profile.knowsInitialRto) return this.#fail(WSAEOPNOTSUPP);
    socket.oneSyn = true;
    return 0;
  }

  setsockopt(s: number, level: number, name: number, value: number, length: number): number {
    const socket = this.#platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    // A system that refused SO_LINGER would leave no way to send RST: there is nothing to learn from it.
    if (!(level === SOL_SOCKET && name === SO_LINGER) && this.#faulty('setsockopt')) return SOCKET_ERROR;
    return this.#result(setOption(this.#platform, socket, level, name, value, length));
  }

  getsockopt(s: number, level: number, name: number, value: number, length: number): number {
    const socket = this.#platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    return this.#result(getOption(this.#platform, socket, level, name, value, length));
  }

  getsockname(s: number, name: number, namelen: number): number {
    const socket = this.#platform.socket(s);
    if (socket === null || this.#faulty('getsockname')) return SOCKET_ERROR;
    if (socket.contextMissing) return this.#fail(WSAENOTCONN);
    return socket.local === null ? this.#fail(WSAEINVAL) : this.#giveAddress(socket.local, name, namelen);
  }

  getpeername(s: number, name: number, namelen: number): number {
    const socket = this.#platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    const peer = socket.udp?.remote ?? null;
    if (peer !== null) return this.#giveAddress(peer, name, namelen);
    if (socket.end === null || socket.contextMissing) return this.#fail(WSAENOTCONN);
    // After a reset Wine knows no peer any more; of Windows nothing is written about it.
    const { broken, remote } = socket.end;
    if (broken !== 0 && (this.#platform.profile.name === 'wine' || this.#platform.network.maybe())) {
      return this.#fail(WSAENOTCONN);
    }
    return this.#giveAddress(remote, name, namelen);
  }

  shutdown(s: number, how: number): number {
    const socket = this.#platform.socket(s);
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
      if (end.in.length > 0 && socket.platform.profile.shutReceiveResets && this.#platform.network.maybe()) end.abort();
    }
    end.update();
    return 0;
  }

  closesocket(s: number): number {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    platform.removeHandle(s);
    if (socket.removeOwner(platform, s)) platform.closeSocket(socket);
    return 0;
  }

  ioctlsocket(s: number, command: number, argument: number): number {
    const socket = this.#platform.socket(s);
    if (socket === null) return SOCKET_ERROR;
    if (command !== FIONBIO) return this.#fail(WSAEINVAL);
    socket.nonBlocking = this.#platform.memory.at(argument, 4, 'ioctlsocket: argp').getUint32(argument) !== 0;
    return 0;
  }

  accept(): number {
    return notSimulated('accept');
  }

  connect(s: number, name: number, namelen: number): number {
    return this.#datagrams.connect(s, name, namelen);
  }

  WSARecvFrom(
    s: number,
    buffers: number,
    count: number,
    bytes: number,
    flags: number,
    from: number,
    fromLength: number,
    overlapped: number,
  ): number {
    return this.#datagrams.receiveFrom(s, buffers, count, bytes, flags, from, fromLength, overlapped);
  }

  WSASendTo(
    s: number,
    buffers: number,
    count: number,
    bytes: number,
    _flags: number,
    to: number,
    toLength: number,
    overlapped: number,
  ): number {
    return this.#datagrams.sendTo(s, buffers, count, bytes, to, toLength, overlapped);
  }

  WSADuplicateSocketW(s: number, processId: number, info: number): number {
    const socket = this.#platform.socket(s);
    if (socket === null || this.#faulty('WSADuplicateSocketW')) return SOCKET_ERROR;
    return this.#result(duplicate(this.#platform, socket, processId, info));
  }

  WSAPoll(): number {
    return notSimulated('WSAPoll');
  }

  WSAGetLastError(): number {
    return this.#platform.lastError;
  }

  #giveAddress(address: SimulatedAddress, name: number, namelen: number): number {
    const { memory } = this.#platform;
    const lengthRegion = memory.at(namelen, 4, 'namelen');
    const size = sockaddrSize(address.family);
    if (lengthRegion.getUint32(namelen) < size) return this.#fail(WSAEFAULT);
    writeSockaddr(memory.at(name, size, 'name'), name, address);
    lengthRegion.setUint32(namelen, size);
    return 0;
  }

  #faulty(call: FaultyCall): boolean {
    const fault = this.#platform.faults?.call(call) ?? 0;
    if (fault !== 0) this.#platform.lastError = fault;
    return fault !== 0;
  }

  #result(code: number): number {
    return code === 0 ? 0 : this.#fail(code);
  }

  #fail(code: number): -1 {
    this.#platform.lastError = code;
    return SOCKET_ERROR;
  }
}

function notSimulated(call: string): never {
  throw new SimulationError(`${call} is not simulated: this kernel is for the completion port backend`);
}
