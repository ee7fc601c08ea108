/** createUdpSocket, connectUdp and disconnectUdp: what happens to a UDP socket as a whole. */
import { checkWinsock } from '../../ffi/check.ts';
import { SIO_UDP_CONNRESET, SIO_UDP_NETRESET, SO_BROADCAST, SOL_SOCKET } from '../../ffi/constants.ts';
import { sockaddr_in6 } from '../../ffi/layouts.ts';
import type { UdpOptions, UdpSocket } from '../pal/datagram.ts';
import type { AnyHandle, Endpoint, UdpHandle } from '../pal/handles.ts';
import { formatIpAddress, isUnspecified, loopback, parseIpAddress, type IpAddress } from '../pal/ip-address.ts';
import { localEndpoint } from '../sockets/addresses.ts';
import { attach } from '../sockets/association.ts';
import { applyBindOptions, requireBindOptions, setBufferSizes } from '../sockets/bind-options.ts';
import { datagramKind } from './datagram-kind.ts';
import { keepDestination } from './datagram-sender.ts';
import { DatagramSocket, type ReceiveSettings } from './datagram-socket.ts';
import { captureOrigin, type Context } from '../context/context.ts';
import { fromWin32Error, tooManySockets, type OperationName } from '../util/errors.ts';
import { requireInteger, requireOneOf } from '../util/validate.ts';
import { ResolvedDestination } from '../sockets/socket-addresses.ts';
import { MAX_SOCKETS } from '../sockets/socket-table.ts';
import { bindSocket, discardSocket, openUdpSocket, setIntOption } from '../sockets/sockets.ts';

/** Receives kept posted. One is enough to hear of a burst, of which calls that answer at once then take the rest; each pins its block. */
const DEFAULT_RECEIVE_DEPTH = 1;
const MAX_RECEIVE_DEPTH = 256;
/** A block that holds any datagram: the largest over IPv6 has 65527 bytes. */
const MAX_DATAGRAM_SIZE = 65536;
/** Memory for datagrams that nobody asks for: 1 MiB, at least sixteen of the largest. */
const DEFAULT_QUEUED_BYTES = 1024 * 1024;
const MAX_QUEUED_BYTES = 2 ** 30;

/** Makes a bound UDP socket. Throws NetworkError, RangeError or TypeError, and leaves nothing behind when it does. */
export function openDatagramSocket(context: Context, address: IpAddress, port: number, options: UdpOptions): UdpSocket {
  const settings = receiveSettings(options);
  requireBindOptions(options, address.family);
  const origin = captureOrigin(context);
  const socket = context.sockets.add(
    (handle: AnyHandle) =>
      new DatagramSocket(datagramKind, handle, address.family, context.platform.scheduler.now(), origin),
  );
  if (socket === null) throw tooManySockets(MAX_SOCKETS);
  let step: OperationName = 'socket';
  let local: Endpoint;
  try {
    socket.socket = openUdpSocket(context, address.family);
    step = 'bind';
    applyBindOptions(context, socket.socket, address.family, options);
    if (options.broadcast === true) {
      setIntOption(context, socket.socket, SOL_SOCKET, SO_BROADCAST, 1, 'setsockopt(SO_BROADCAST)');
    }
    setBufferSizes(context, socket.socket, options);
    tellUnreachable(context, socket.socket, settings.reportUnreachable);
    bindSocket(context, socket.socket, address, port);
    attach(context, socket);
    local = localEndpoint(context, socket);
    socket.local = local;
  } catch (error) {
    if (step !== 'socket') {
      context.transport.detach(socket);
      discardSocket(context, socket.socket);
    }
    context.sockets.remove(socket);
    throw fromWin32Error(step, error, { address: formatIpAddress(address), port });
  }
  socket.settings = settings;
  return { handle: socket.handle as UdpHandle, address: local.address, port: local.port };
}

/** Fixes the peer. Throws Win32Error. */
export function connectDatagrams(context: Context, socket: DatagramSocket, to: IpAddress, port: number): void {
  // Windows refuses any-address; everywhere else it means this machine.
  const address = isUnspecified(to) ? loopback(to.family) : to;
  const length = context.scratch.setSockaddr(0, address, port);
  connectCall(context, socket, length);
  socket.peer = { address: formatIpAddress(address), port, family: address.family };
}

/** Sets the peer free: "the default destination is removed by connecting to an address of zeros". Throws Win32Error. */
export function disconnectDatagrams(context: Context, socket: DatagramSocket): void {
  context.scratch.bytes.fill(0, 0, sockaddr_in6.size);
  connectCall(context, socket, sockaddr_in6.size);
  const { peer } = socket;
  socket.peer = null;
  const address = peer === null ? null : parseIpAddress(peer.address);
  if (peer !== null && address !== null) {
    keepDestination(socket, new ResolvedDestination(peer.address, address, peer.port));
  }
}

function connectCall({ platform, counters, scratch }: Context, socket: DatagramSocket, length: number): void {
  counters.syscalls.connect++;
  checkWinsock(platform.ws2_32.connect(socket.socket, scratch.address, length), platform.ws2_32, 'connect');
}

function receiveSettings(options: UdpOptions): ReceiveSettings {
  const {
    receiveDepth = DEFAULT_RECEIVE_DEPTH,
    maxDatagramSize = MAX_DATAGRAM_SIZE,
    maxQueuedReceiveBytes = DEFAULT_QUEUED_BYTES,
    dropWhenFull = 'newest',
    reportUnreachable = false,
  } = options;
  requireInteger('receiveDepth', receiveDepth, 1, MAX_RECEIVE_DEPTH);
  requireInteger('maxDatagramSize', maxDatagramSize, 1, MAX_DATAGRAM_SIZE);
  requireInteger('maxQueuedReceiveBytes', maxQueuedReceiveBytes, 0, MAX_QUEUED_BYTES);
  requireOneOf('dropWhenFull', dropWhenFull, ['newest', 'oldest']);
  return {
    depth: receiveDepth,
    maxDatagramSize,
    maxQueuedBytes: maxQueuedReceiveBytes,
    dropOldest: dropWhenFull === 'oldest',
    reportUnreachable,
  };
}

/**
 * Windows' default lets a receive fail because of something sent earlier. Best effort: not every system knows these, and
 * what it reports nevertheless is sorted out where receives complete.
 * Source: https://learn.microsoft.com/windows/win32/winsock/winsock-ioctls
 */
function tellUnreachable({ platform, counters, scratch }: Context, socket: number, wanted: boolean): void {
  const returnedAt = 16;
  scratch.view.setUint32(0, wanted ? 1 : 0, true);
  const { address } = scratch;
  for (const code of [SIO_UDP_CONNRESET, SIO_UDP_NETRESET]) {
    counters.syscalls.WSAIoctl++;
    platform.ws2_32.WSAIoctl(socket, code, address, 4, 0, 0, address + returnedAt, 0, 0);
  }
}
