/** AcceptEx, ConnectEx, DisconnectEx and TransmitFile of a simulated process, behind the pointers that WSAIoctl gives out. */
import { TF_REUSE_SOCKET } from '../../../ffi/constants.ts';
import { ACCEPTEX_ADDRESS_SLACK } from '../../../ffi/layouts.ts';
import type { Mswsock, MswsockPointers } from '../../../ffi/mswsock.ts';
import {
  ERROR_IO_PENDING,
  WSAEADDRNOTAVAIL,
  WSAEALREADY,
  WSAEFAULT,
  WSAEINVAL,
  WSAEISCONN,
  WSAENETUNREACH,
  WSAENOBUFS,
  WSAENOTCONN,
} from '../../../ffi/wsa-errors.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import { LENGTH_PREFIX } from '../kernel/accept-matcher.ts';
import { Attempt } from '../kernel/attempt.ts';
import { Io } from '../kernel/io.ts';
import { readSockaddr, sockaddrSize } from '../kernel/sockaddr.ts';
import { transmitFile } from './transmit-file.ts';

/** What WSAIoctl(SIO_GET_EXTENSION_FUNCTION_POINTER) gives for each function. */
export const POINTERS = {
  AcceptEx: 0x7ff8_0001,
  ConnectEx: 0x7ff8_0002,
  GetAcceptExSockaddrs: 0x7ff8_0003,
  TransmitFile: 0x7ff8_0004,
  DisconnectEx: 0x7ff8_0005,
} as const;

const FALSE = 0;
const TRUE = 1;

export class SimulatedMswsock implements MswsockPointers {
  readonly #platform: SimulatedProcess;

  constructor(platform: SimulatedProcess) {
    this.#platform = platform;
  }

  AcceptEx(pointer: number): Mswsock['AcceptEx'] {
    requirePointer(pointer, POINTERS.AcceptEx);
    return this.#acceptEx;
  }

  ConnectEx(pointer: number): Mswsock['ConnectEx'] {
    requirePointer(pointer, POINTERS.ConnectEx);
    return this.#connectEx;
  }

  DisconnectEx(pointer: number): Mswsock['DisconnectEx'] {
    requirePointer(pointer, POINTERS.DisconnectEx);
    return this.#disconnectEx;
  }

  GetAcceptExSockaddrs(pointer: number): Mswsock['GetAcceptExSockaddrs'] {
    requirePointer(pointer, POINTERS.GetAcceptExSockaddrs);
    return this.#getAcceptExSockaddrs;
  }

  TransmitFile(pointer: number): Mswsock['TransmitFile'] {
    requirePointer(pointer, POINTERS.TransmitFile);
    return (socket, file, bytes, _perSend, overlapped, buffers, _flags) =>
      transmitFile(this.#platform, socket, file, bytes, overlapped, buffers);
  }

  readonly #acceptEx: Mswsock['AcceptEx'] = (
    listen,
    accept,
    output,
    receiveLength,
    localLength,
    remoteLength,
    _,
    overlapped,
  ) => {
    const platform = this.#platform;
    const socket = platform.socket(listen);
    const acceptSocket = platform.socket(accept);
    if (socket === null || acceptSocket === null) return FALSE;
    const { listener } = socket;
    if (listener === null) return this.#fail(WSAEINVAL);
    const taken = acceptSocket.accept !== null || acceptSocket.isConnected || acceptSocket.local !== null;
    if (taken || acceptSocket.family !== socket.family) return this.#fail(WSAEINVAL);
    if (receiveLength > 0) throw new SimulationError('AcceptEx with a receive buffer is not simulated');
    const least = sockaddrSize(socket.family) + ACCEPTEX_ADDRESS_SLACK;
    if (localLength < least || remoteLength < least) return this.#fail(WSAEFAULT);
    const region = platform.ledger.overlapped(overlapped, 'AcceptEx');
    const buffer = platform.ledger.segment(output, localLength + remoteLength, 'AcceptEx');
    if (buffer === null) return this.#fail(WSAEFAULT);
    const io = new Io(platform, 'AcceptEx', socket, overlapped, region, [buffer]);
    // A call that is given an event begins by resetting it, whatever becomes of it.
    if (io.event !== null) io.event.isSet = false;
    const fault = platform.faults?.call('AcceptEx') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    io.acceptSocket = acceptSocket;
    io.localLength = localLength;
    acceptSocket.accept = io;
    platform.ledger.lend(io);
    const first = listener.backlog[0];
    if (first?.broken === 0 && platform.profile.extensionsMaySucceedAtOnce && platform.network.maybe()) {
      listener.backlog.shift();
      if (socket.skips) throw new SimulationError('AcceptEx on a listener that skips packets is not simulated');
      platform.accepts.complete(io, first);
      return TRUE; // the packet comes all the same
    }
    listener.accepts.push(io);
    if (platform.network.maybe()) platform.accepts.update(listener);
    else platform.accepts.serve(listener);
    return this.#fail(ERROR_IO_PENDING);
  };

  readonly #connectEx: Mswsock['ConnectEx'] = (s, name, namelen, sendBuffer, _sendLength, _sent, overlapped) => {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null) return FALSE;
    if (socket.isConnected) return this.#fail(WSAEISCONN);
    if (socket.attempt !== null) return this.#fail(WSAEALREADY);
    // "The socket must be bound", unlike connect(), which binds by itself.
    if (socket.local === null || socket.listener !== null || socket.spent) return this.#fail(WSAEINVAL);
    if (sendBuffer !== 0) throw new SimulationError('ConnectEx with a send buffer is not simulated');
    const target = readSockaddr(platform.memory.at(name, namelen, 'ConnectEx: name'), name, namelen);
    if (target?.family !== socket.family) return this.#fail(WSAEFAULT);
    if (target.unmapped !== null && socket.v6Only) return this.#fail(WSAENETUNREACH);
    if (target.isAny || target.port === 0) return this.#fail(WSAEADDRNOTAVAIL);
    if (target.family === 4 && target.bytes.every((byte) => byte === 255)) return this.#fail(WSAENETUNREACH);
    const region = platform.ledger.overlapped(overlapped, 'ConnectEx');
    const fault = platform.faults?.call('ConnectEx') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    if (!platform.network.ports.settle(socket, target)) return this.#fail(WSAENOBUFS);
    const io = new Io(platform, 'ConnectEx', socket, overlapped, region, []);
    platform.ledger.lend(io);
    socket.attempt = new Attempt(platform.network, socket, io, target);
    return this.#fail(ERROR_IO_PENDING);
  };

  /** Only what a careful caller does: nothing pending, packets for everything. */
  readonly #disconnectEx: Mswsock['DisconnectEx'] = (s, overlapped, flags, reserved) => {
    const platform = this.#platform;
    const socket = platform.socket(s);
    if (socket === null) return FALSE;
    if (reserved !== 0) return this.#fail(WSAEINVAL);
    const { end } = socket;
    if (end === null || socket.contextMissing || socket.disconnect !== null) return this.#fail(WSAENOTCONN);
    if (flags !== TF_REUSE_SOCKET) throw new SimulationError('DisconnectEx without TF_REUSE_SOCKET is not simulated');
    if (socket.skips) throw new SimulationError('DisconnectEx on a socket that skips packets: Wine queues none');
    if (end.receives.length + end.sends.length > 0) throw new SimulationError('DisconnectEx with operations pending');
    const region = platform.ledger.overlapped(overlapped, 'DisconnectEx');
    const fault = platform.faults?.call('DisconnectEx') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    if (end.broken !== 0) return this.#fail(WSAENOTCONN);
    const io = new Io(platform, 'DisconnectEx', socket, overlapped, region, []);
    socket.disconnect = io;
    platform.ledger.lend(io);
    end.disconnect(() => platform.disconnected(io));
    return this.#fail(ERROR_IO_PENDING);
  };

  readonly #getAcceptExSockaddrs: Mswsock['GetAcceptExSockaddrs'] = (
    output,
    _receiveLength,
    localLength,
    remoteLength,
    localAddress,
    localSize,
    remoteAddress,
    remoteSize,
  ) => {
    const { memory } = this.#platform;
    const region = memory.at(output, localLength + remoteLength, 'GetAcceptExSockaddrs');
    const remote = output + localLength;
    memory.at(localAddress, 8, 'LocalSockaddr').setPointer(localAddress, output + LENGTH_PREFIX);
    memory.at(localSize, 4, 'LocalSockaddrLength').setUint32(localSize, region.getUint32(output));
    memory.at(remoteAddress, 8, 'RemoteSockaddr').setPointer(remoteAddress, remote + LENGTH_PREFIX);
    memory.at(remoteSize, 4, 'RemoteSockaddrLength').setUint32(remoteSize, region.getUint32(remote));
  };

  #fail(code: number): 0 {
    this.#platform.lastError = code;
    return FALSE;
  }
}

function requirePointer(given: number, known: number): void {
  if (given !== known) throw new SimulationError(`A call through the pointer ${given}, where no function is`);
}
