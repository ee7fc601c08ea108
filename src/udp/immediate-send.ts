/**
 * WSASendTo without an OVERLAPPED, on a socket that does not block: it answers at once, needs no operation, and no packet comes. The
 * bytes are the system's during the call only (tcp/immediate-calls.ts has the same for connections).
 *
 * Only while nothing of the socket is under way or waits: datagrams leave in the order of the calls.
 * Source: https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsasendto
 */
import { isUint8Array } from 'node:util/types';
import { SOCKET_ERROR } from '../../ffi/constants.ts';
import { WSABUF } from '../../ffi/layouts.ts';
import type { Context } from '../context/context.ts';
import { classFor, type Block } from '../memory/block-pool.ts';
import type { WriteData } from '../pal/network-pal.ts';
import { WouldBlock } from '../pal/readiness.ts';
import type { ResolvedDestination } from '../sockets/socket-addresses.ts';
import { becomeNonBlocking } from '../sockets/sockets.ts';
import { isUnreachable } from '../util/errors.ts';
import { copyDatagram } from './datagram-sender.ts';
import type { DatagramSocket } from './datagram-socket.ts';

/** Where in the scratch page the address is, behind the WSABUF and the count, and where the bytes are. */
const ADDRESS_AT = 32;
const DATA_AT = 64;

/**
 * Sends `total` bytes as one datagram, or does nothing.
 * @returns their number, or WouldBlock: also where the system refuses, which asyncSendTo then says
 */
export function sendToNow(
  context: Context,
  socket: DatagramSocket,
  data: WriteData,
  total: number,
  destination: ResolvedDestination | null,
): number {
  if (socket.sending.length > 0 || socket.sends.length > 0) return WouldBlock;
  // A report that this call is told would have nobody to go to.
  if (socket.settings.reportUnreachable || becomeNonBlocking(context, socket) !== 0) return WouldBlock;
  const pinned = isUint8Array(data) && data.byteLength === total ? context.pinned.addressOf(data, total) : 0;
  if (pinned !== 0) return send(context, socket, pinned, total, destination);
  const { scratch, blocks } = context;
  if (total <= scratch.bytes.length - DATA_AT) {
    // (Its buffers may have gone since they were counted: whose address was asked for is somebody else's code.)
    if (copyDatagram(scratch.bytes, DATA_AT, data, total) !== total) return WouldBlock;
    return send(context, socket, scratch.address + DATA_AT, total, destination);
  }
  const block = blocks.take(classFor(total));
  if (block === null) return WouldBlock;
  try {
    return sendFromBlock(context, socket, block, data, total, destination);
  } finally {
    blocks.give(block);
  }
}

function sendFromBlock(
  context: Context,
  socket: DatagramSocket,
  block: Block,
  data: WriteData,
  total: number,
  destination: ResolvedDestination | null,
): number {
  // A smaller one is from a system without memory.
  if (block.size < total || copyDatagram(block.bytes, 0, data, total) !== total) return WouldBlock;
  return send(context, socket, block.address, total, destination);
}

function send(
  { scratch, counters, platform }: Context,
  { socket }: DatagramSocket,
  address: number,
  total: number,
  destination: ResolvedDestination | null,
): number {
  const { view } = scratch;
  const countAt = scratch.address + WSABUF.size;
  view.setUint32(WSABUF.len, total, true);
  scratch.setPointer(WSABUF.buf, address);
  const length = destination?.length ?? 0;
  if (destination !== null) {
    for (let word = 0; word < length / 4; word++) {
      view.setUint32(ADDRESS_AT + word * 4, destination.words[word] ?? 0, true);
    }
  }
  counters.syscalls.WSASendTo++;
  const to = length === 0 ? 0 : scratch.address + ADDRESS_AT;
  const result = platform.ws2_32.WSASendTo(socket, scratch.address, 1, countAt, 0, to, length, 0, 0);
  if (result === SOCKET_ERROR) {
    if (isUnreachable(platform.ws2_32.WSAGetLastError())) counters.unreachableReports++;
    return WouldBlock;
  }
  counters.datagramsSent++;
  counters.bytesSent += total;
  return total;
}
