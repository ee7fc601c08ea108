/** The calls of the contract for UDP. */
import type {
  DatagramPal,
  Destination,
  GroupOptions,
  OutgoingDatagram,
  ReceiveBatchCallback,
  ReceiveFromCallback,
  SendToCallback,
  UdpOptions,
  UdpSocket,
} from '../pal/datagram.ts';
import type { UdpHandle } from '../pal/handles.ts';
import { isUnspecified, loopback, type IpAddress } from '../pal/ip-address.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { argumentError, NetworkError } from '../pal/network-error.ts';
import type { WriteData } from '../pal/network-pal.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { WouldBlock } from '../pal/readiness.ts';
import { NO_BATCH } from '../udp/datagram-batch.ts';
import { receiveBatch, receiveFrom } from '../udp/datagram-receiver.ts';
import { sendToNow } from '../udp/immediate-send.ts';
import { sendTo } from '../udp/datagram-sender.ts';
import { connectDatagrams, disconnectDatagrams, openDatagramSocket } from '../udp/datagram-setup.ts';
import { DatagramSocket } from '../udp/datagram-socket.ts';
import { connectionClosed, fromWin32Error } from '../util/errors.ts';
import { changeMembership } from '../udp/multicast.ts';
import { requireInteger, wrongType } from '../util/validate.ts';
import { GROUP_OPTIONS, readOptions, UDP_OPTIONS } from '../util/read-options.ts';
import { byteLengthOf } from '../tcp/connection/requests.ts';
import { NO_ENDPOINT } from '../sockets/addresses.ts';
import { ResolvedDestination } from '../sockets/socket-addresses.ts';
import {
  invalidAddress,
  notConnected,
  requireAddress,
  requireSomeBytes,
  requireData,
  requirePort,
  wrongKind,
} from './arguments.ts';
import { abortedAlready, callbackOf, CallGroup, optionsOf, type CallContext } from './call-context.ts';

/** Most that fits an IP packet beside the headers: 65535 - 20 - 8 over IPv4, 65535 - 8 over IPv6. */
const MAX_IPV4_DATAGRAM = 65507;
const MAX_IPV6_DATAGRAM = 65527;

export class DatagramCalls extends CallGroup implements DatagramPal {
  createUdpSocket(address: string, port: number, options: UdpOptions = {}): UdpSocket {
    this.calls.lifecycle.open('createUdpSocket');
    requirePort(port, 0);
    const [at, read] = [requireAddress('address', address), readOptions<UdpOptions>(options, UDP_OPTIONS)];
    // (Once more: a getter of theirs may have stopped the loop.)
    return openDatagramSocket(this.calls.lifecycle.open('createUdpSocket'), at, port, read);
  }

  asyncReceiveFrom(
    socket: UdpHandle,
    given: Uint8Array,
    maxBytes: number,
    optionsOrCallback: OperationOptions | ReceiveFromCallback,
    callbackOrNone?: ReceiveFromCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncReceiveFrom');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const buffer = requireSomeBytes('buffer', given);
    requireInteger('maxBytes', maxBytes, 1, buffer.byteLength);
    const refused = abortedAlready('receive', options);
    const record = datagrams(this.calls, socket);
    if (context === null || record === null) return refuseReceive(this.calls, connectionClosed('receive'), callback);
    if (refused !== null) return refuseReceive(this.calls, refused, callback);
    return receiveFrom(context, record, buffer, maxBytes, options, callback);
  }

  asyncReceiveBatch(
    socket: UdpHandle,
    optionsOrCallback: OperationOptions | ReceiveBatchCallback,
    callbackOrNone?: ReceiveBatchCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncReceiveBatch');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const refused = abortedAlready('receive', options);
    const record = datagrams(this.calls, socket);
    if (context === null || record === null) return refuseBatch(this.calls, connectionClosed('receive'), callback);
    if (refused !== null) return refuseBatch(this.calls, refused, callback);
    return receiveBatch(context, record, options, callback);
  }

  asyncSendTo(
    socket: UdpHandle,
    given: Uint8Array | readonly Uint8Array[],
    to: Destination | null,
    optionsOrCallback: OperationOptions | SendToCallback,
    callbackOrNone?: SendToCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncSendTo');
    const callback = callbackOf(optionsOrCallback, callbackOrNone);
    const options = optionsOf(optionsOrCallback);
    const data = requireData(given);
    const total = byteLengthOf(data);
    const record = datagrams(this.calls, socket);
    if (context === null || record === null) return this.calls.refuseBytes('send', callback, connectionClosed('send'));
    requireRoom(record, total);
    const destination = destinationOf(record, to);
    const refused = abortedAlready('send', options);
    if (refused !== null) return this.calls.refuseBytes('send', callback, refused);
    return sendTo(context, record, data, total, destination, options, callback);
  }

  trySendTo(socket: UdpHandle, given: Uint8Array | readonly Uint8Array[], to: Destination | null): number {
    const context = this.calls.lifecycle.begun('trySendTo');
    const data = requireData(given);
    const total = byteLengthOf(data);
    const record = datagrams(this.calls, socket);
    if (context === null || record === null) return WouldBlock;
    requireRoom(record, total);
    return sendToNow(context, record, data, total, destinationOf(record, to));
  }

  trySendMany(socket: UdpHandle, list: readonly OutgoingDatagram[]): number {
    const context = this.calls.lifecycle.begun('trySendMany');
    if (!Array.isArray(list)) throw wrongType('the list', 'an array of { data, to }', list);
    const record = datagrams(this.calls, socket);
    // All are looked at before one is sent: a mistake in the middle would leave nobody knowing which ones are out.
    const sends = Array.from(list as readonly unknown[], (entry) => outgoingOf(record, entry));
    if (context === null || record === null) return 0;
    let sent = 0;
    for (const { data, total, destination } of sends) {
      // (Somebody's getter may have closed the socket meanwhile, or a send may have begun.)
      if (record.closing || sendToNow(context, record, data, total, destination) === WouldBlock) break;
      sent++;
    }
    return sent;
  }

  connectUdp(socket: UdpHandle, address: string, port: number): void {
    const context = this.calls.lifecycle.begun('connectUdp');
    const peer = requireAddress('address', address);
    requirePort(port, 1);
    const record = datagrams(this.calls, socket);
    if (context === null || record === null) return;
    requireFamily(record, address, peer);
    if (record.peer !== null) throw alreadyConnected(record);
    try {
      connectDatagrams(context, record, peer, port);
    } catch (error) {
      throw fromWin32Error('connect', error, { address, port });
    }
  }

  disconnectUdp(socket: UdpHandle): void {
    const context = this.calls.lifecycle.begun('disconnectUdp');
    const record = datagrams(this.calls, socket);
    if (context === null || record === null) return;
    if (record.peer === null) throw notConnected(record);
    try {
      disconnectDatagrams(context, record);
    } catch (error) {
      throw fromWin32Error('connect', error);
    }
  }

  joinGroup(socket: UdpHandle, group: string, options: GroupOptions = {}): void {
    changeGroup(this.calls, 'joinGroup', socket, true, group, options);
  }

  leaveGroup(socket: UdpHandle, group: string, options: GroupOptions = {}): void {
    changeGroup(this.calls, 'leaveGroup', socket, false, group, options);
  }
}

function changeGroup(
  calls: CallContext,
  call: string,
  socket: UdpHandle,
  join: boolean,
  group: string,
  options: GroupOptions,
): void {
  const context = calls.lifecycle.begun(call);
  const address = requireAddress('group', group);
  const read = readOptions<GroupOptions>(options, GROUP_OPTIONS);
  const record = datagrams(calls, socket);
  if (context === null || record === null) return;
  try {
    changeMembership(context, record, join, address, read);
  } catch (error) {
    throw fromWin32Error('option', error, { address: group });
  }
}

/** The UDP socket of a handle; null when it is closing or closed. Throws for another kind of socket. */
function datagrams(calls: CallContext, handle: UdpHandle): DatagramSocket | null {
  const record = calls.known(handle);
  if (record === null) return null;
  if (!(record instanceof DatagramSocket)) throw wrongKind(record, 'createUdpSocket');
  return record.closing ? null : record;
}

/** A function of its own: one that makes a closure of what it works with pays for that on every call. */
function refuseReceive(calls: CallContext, error: NetworkError, callback: ReceiveFromCallback): OperationHandle {
  return calls.answerSoon('receive', () => callback(error, 0, NO_ENDPOINT, 0));
}

/** The same for a batch. */
function refuseBatch(calls: CallContext, error: NetworkError, callback: ReceiveBatchCallback): OperationHandle {
  return calls.answerSoon('receive', () => callback(error, NO_BATCH));
}

interface Outgoing {
  readonly data: WriteData;
  readonly total: number;
  readonly destination: ResolvedDestination | null;
}

/** One of a list, checked. @param socket null where it is closed: then nothing is sent */
function outgoingOf(socket: DatagramSocket | null, entry: unknown): Outgoing {
  if (typeof entry !== 'object' || entry === null) throw wrongType('a datagram of the list', '{ data, to }', entry);
  const { data: given, to } = entry as OutgoingDatagram;
  const data = requireData(given);
  const total = byteLengthOf(data);
  if (socket === null) return { data, total, destination: null };
  requireRoom(socket, total);
  return { data, total, destination: destinationOf(socket, to) };
}

/** Parses where a datagram goes, unless some have gone there lately. */
function destinationOf(socket: DatagramSocket, to: Destination | null): ResolvedDestination | null {
  if (to === null) {
    if (socket.peer !== null) return null;
    throw notConnected(socket);
  }
  if (typeof (to as unknown) !== 'object' || Array.isArray(to)) {
    throw wrongType('the destination', '{ address, port } or null', to);
  }
  if (socket.peer !== null) throw alreadyConnected(socket);
  const { address, port } = to;
  const known = socket.destinations.find(address, port);
  if (known !== null) return known;
  const parsed = requireAddress('address', address);
  requirePort(port, 1);
  requireFamily(socket, address, parsed);
  // Windows refuses to send to any-address; everywhere else it means this machine.
  const target = isUnspecified(parsed) ? loopback(parsed.family) : parsed;
  const destination = new ResolvedDestination(address, target, port);
  socket.destinations.remember(destination);
  return destination;
}

function requireFamily({ family }: DatagramSocket, text: string, address: IpAddress): void {
  if (address.family === family) return;
  throw invalidAddress(
    family === 6
      ? `Cannot use address ${text} on an IPv6 socket: write ::ffff:${text}, or use an IPv4 socket`
      : `Cannot use address ${text} on an IPv4 socket: bind the socket to an IPv6 address, such as ::`,
  );
}

function requireRoom({ family }: DatagramSocket, total: number): void {
  const limit = family === 4 ? MAX_IPV4_DATAGRAM : MAX_IPV6_DATAGRAM;
  if (total <= limit) return;
  throw argumentError(
    RangeError,
    'ERR_OUT_OF_RANGE',
    `Cannot send a datagram of ${total} bytes: at most ${limit} fit. Split it, or use TCP`,
  );
}

function alreadyConnected({ handle, peer }: DatagramSocket): NetworkError {
  const to = peer === null ? '' : ` to ${peer.address} port ${peer.port}`;
  return new NetworkError(
    `Cannot name another peer for UDP socket ${handle}: it is connected${to}. Pass null to send there, or call disconnectUdp`,
    { kind: NetworkErrorCode.ConnectFailed, code: 'ERR_SOCKET_DGRAM_IS_CONNECTED' },
  );
}
