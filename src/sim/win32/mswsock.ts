/** AcceptEx, ConnectEx, DisconnectEx and TransmitFile of a simulated process, behind the pointers that WSAIoctl gives out. */
import { TF_REUSE_SOCKET } from '../../../ffi/constants.ts';
import type {
  AcceptEx,
  ConnectEx,
  DisconnectEx,
  GetAcceptExSockaddrs,
  MswsockPointers,
  TransmitFile,
} from '../../../ffi/mswsock.ts';
import { ACCEPTEX_ADDRESS_SLACK } from '../../../ffi/layouts.ts';
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
import { LENGTH_PREFIX } from '../sockets/accept-desk.ts';
import { Attempt } from '../sockets/attempt.ts';
import { Io } from './io.ts';
import type { SimulatedKernel } from '../kernel.ts';
import { SimulationError } from '../simulation-error.ts';
import { readSockaddr, sockaddrSize } from '../sockets/sockaddr.ts';
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
  readonly #kernel: SimulatedKernel;

  constructor(kernel: SimulatedKernel) {
    this.#kernel = kernel;
  }

  AcceptEx(pointer: number): AcceptEx {
    requirePointer(pointer, POINTERS.AcceptEx);
    return this.#acceptEx;
  }

  ConnectEx(pointer: number): ConnectEx {
    requirePointer(pointer, POINTERS.ConnectEx);
    return this.#connectEx;
  }

  DisconnectEx(pointer: number): DisconnectEx {
    requirePointer(pointer, POINTERS.DisconnectEx);
    return this.#disconnectEx;
  }

  GetAcceptExSockaddrs(pointer: number): GetAcceptExSockaddrs {
    requirePointer(pointer, POINTERS.GetAcceptExSockaddrs);
    return this.#getAcceptExSockaddrs;
  }

  TransmitFile(pointer: number): TransmitFile {
    requirePointer(pointer, POINTERS.TransmitFile);
    return (socket, file, bytes, _perSend, overlapped, buffers, _flags) =>
      transmitFile(this.#kernel, socket, file, bytes, overlapped, buffers);
  }

  readonly #acceptEx: AcceptEx = (listen, accept, output, receiveLength, localLength, remoteLength, _, overlapped) => {
    const kernel = this.#kernel;
    const socket = kernel.socket(listen);
    const acceptSocket = kernel.socket(accept);
    if (socket === null || acceptSocket === null) return FALSE;
    const { listener } = socket;
    if (listener === null) return this.#fail(WSAEINVAL);
    const taken = acceptSocket.accept !== null || acceptSocket.isConnected || acceptSocket.local !== null;
    if (taken || acceptSocket.family !== socket.family) return this.#fail(WSAEINVAL);
    if (receiveLength > 0) throw new SimulationError('AcceptEx with a receive buffer is not simulated');
    const least = sockaddrSize(socket.family) + ACCEPTEX_ADDRESS_SLACK;
    if (localLength < least || remoteLength < least) return this.#fail(WSAEFAULT);
    const region = kernel.ledger.overlapped(overlapped, 'AcceptEx');
    const buffer = kernel.ledger.segment(output, localLength + remoteLength, 'AcceptEx');
    if (buffer === null) return this.#fail(WSAEFAULT);
    const io = new Io(kernel, 'AcceptEx', socket, overlapped, region, [buffer]);
    // A call that is given an event begins by resetting it, whatever becomes of it.
    if (io.event !== null) io.event.isSet = false;
    const fault = kernel.faults?.call('AcceptEx') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    io.acceptSocket = acceptSocket;
    io.localLength = localLength;
    acceptSocket.accept = io;
    kernel.ledger.lend(io);
    const first = listener.backlog[0];
    if (first?.broken === 0 && kernel.profile.extensionsMaySucceedAtOnce && kernel.network.maybe()) {
      listener.backlog.shift();
      if (socket.skips) throw new SimulationError('AcceptEx on a listener that skips packets is not simulated');
      kernel.completeAccept(io, first);
      return TRUE; // the packet comes all the same
    }
    listener.accepts.push(io);
    if (kernel.network.maybe()) kernel.updateAccepts(listener);
    else kernel.serveAccepts(listener);
    return this.#fail(ERROR_IO_PENDING);
  };

  readonly #connectEx: ConnectEx = (s, name, namelen, sendBuffer, _sendLength, _sent, overlapped) => {
    const kernel = this.#kernel;
    const socket = kernel.socket(s);
    if (socket === null) return FALSE;
    if (socket.isConnected) return this.#fail(WSAEISCONN);
    if (socket.attempt !== null) return this.#fail(WSAEALREADY);
    // "The socket must be bound", unlike connect(), which binds by itself.
    if (socket.local === null || socket.listener !== null || socket.spent) return this.#fail(WSAEINVAL);
    if (sendBuffer !== 0) throw new SimulationError('ConnectEx with a send buffer is not simulated');
    const target = readSockaddr(kernel.memory.at(name, namelen, 'ConnectEx: name'), name, namelen);
    if (target?.family !== socket.family) return this.#fail(WSAEFAULT);
    if (target.unmapped !== null && socket.v6Only) return this.#fail(WSAENETUNREACH);
    if (target.isAny || target.port === 0) return this.#fail(WSAEADDRNOTAVAIL);
    if (target.family === 4 && target.bytes.every((byte) => byte === 255)) return this.#fail(WSAENETUNREACH);
    const region = kernel.ledger.overlapped(overlapped, 'ConnectEx');
    const fault = kernel.faults?.call('ConnectEx') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    if (!kernel.network.ports.settle(socket, target)) return this.#fail(WSAENOBUFS);
    const io = new Io(kernel, 'ConnectEx', socket, overlapped, region, []);
    kernel.ledger.lend(io);
    socket.attempt = new Attempt(kernel.network, socket, io, target);
    return this.#fail(ERROR_IO_PENDING);
  };

  /** Only what a careful caller does: nothing pending, the peer's end received, packets for everything. */
  readonly #disconnectEx: DisconnectEx = (s, overlapped, flags, reserved) => {
    const kernel = this.#kernel;
    const socket = kernel.socket(s);
    if (socket === null) return FALSE;
    if (reserved !== 0) return this.#fail(WSAEINVAL);
    const { end } = socket;
    if (end === null || socket.contextMissing || socket.disconnect !== null) return this.#fail(WSAENOTCONN);
    if (flags !== TF_REUSE_SOCKET) throw new SimulationError('DisconnectEx without TF_REUSE_SOCKET is not simulated');
    if (socket.skips) throw new SimulationError('DisconnectEx on a socket that skips packets: Wine queues none');
    if (end.receives.length + end.sends.length > 0) throw new SimulationError('DisconnectEx with operations pending');
    const region = kernel.ledger.overlapped(overlapped, 'DisconnectEx');
    const fault = kernel.faults?.call('DisconnectEx') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    if (end.broken !== 0) return this.#fail(WSAENOTCONN);
    if (!end.ended) throw new SimulationError('DisconnectEx before the peer has ended: TIME_WAIT is not simulated');
    const io = new Io(kernel, 'DisconnectEx', socket, overlapped, region, []);
    socket.disconnect = io;
    kernel.ledger.lend(io);
    end.disconnect(() => kernel.disconnected(io));
    return this.#fail(ERROR_IO_PENDING);
  };

  readonly #getAcceptExSockaddrs: GetAcceptExSockaddrs = (
    output,
    _receiveLength,
    localLength,
    remoteLength,
    localAddress,
    localSize,
    remoteAddress,
    remoteSize,
  ) => {
    const { memory } = this.#kernel;
    const region = memory.at(output, localLength + remoteLength, 'GetAcceptExSockaddrs');
    const remote = output + localLength;
    memory.at(localAddress, 8, 'LocalSockaddr').setPointer(localAddress, output + LENGTH_PREFIX);
    memory.at(localSize, 4, 'LocalSockaddrLength').setUint32(localSize, region.getUint32(output));
    memory.at(remoteAddress, 8, 'RemoteSockaddr').setPointer(remoteAddress, remote + LENGTH_PREFIX);
    memory.at(remoteSize, 4, 'RemoteSockaddrLength').setUint32(remoteSize, region.getUint32(remote));
  };

  #fail(code: number): 0 {
    this.#kernel.lastError = code;
    return FALSE;
  }
}

function requirePointer(given: number, known: number): void {
  if (given !== known) throw new SimulationError(`A call through the pointer ${given}, where no function is`);
}
