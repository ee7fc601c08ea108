/**
 * WSARecv and WSASend without an OVERLAPPED, on a socket that does not block: they answer at once, need no operation, and no
 * packet comes. The buffer is the system's during the call only.
 *
 * Overlapped calls do not care whether their socket blocks, so both sorts may be used on one socket, as libuv does.
 * Source: https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsasend, "If both lpOverlapped and
 * lpCompletionRoutine are NULL, the socket in this function will be treated as a nonoverlapped socket"
 */
import { SOCKET_ERROR } from '../../ffi/constants.ts';
import { WSABUF } from '../../ffi/layouts.ts';
import type { Context } from '../context/context.ts';
import { SLOT, type Operation } from '../memory/operation.ts';
import { becomeNonBlocking } from '../sockets/sockets.ts';
import type { Connection } from './connection/connection.ts';

/** What a call has moved, or the Winsock error code with which it failed. One is enough: nothing runs in between. */
class Outcome {
  /** 0 for success. */
  code = 0;
  bytes = 0;
}
const outcome = new Outcome();

/** recv(). The result is to be read before anything else is called. */
export function receiveNow(
  context: Context,
  connection: Connection,
  address: number,
  length: number,
): Readonly<Outcome> {
  if (!mayBegin(context, connection)) return outcome;
  const at = prepare(context, address, length);
  const countAt = at + WSABUF.size;
  context.counters.syscalls.WSARecv++;
  const result = context.platform.ws2_32.WSARecv(connection.socket, at, 1, countAt, countAt + 4, 0, 0);
  finish(context, result);
  context.counters.bytesReceived += outcome.bytes;
  return outcome;
}

/** send(). The same. */
export function sendNow(context: Context, connection: Connection, address: number, length: number): Readonly<Outcome> {
  if (!mayBegin(context, connection)) return outcome;
  const at = prepare(context, address, length);
  context.counters.syscalls.WSASend++;
  const result = context.platform.ws2_32.WSASend(connection.socket, at, 1, at + WSABUF.size, 0, 0, 0);
  finish(context, result);
  context.counters.bytesSent += outcome.bytes;
  return outcome;
}

/** The same for the first `length` bytes of several parts that are pinned: they are sent from where they lie. */
export function sendPartsNow(
  context: Context,
  connection: Connection,
  parts: readonly Uint8Array[],
  length: number,
): Readonly<Outcome> {
  if (!mayBegin(context, connection)) return outcome;
  const { scratch, pinned } = context;
  let [at, left] = [0, length];
  for (const part of parts) {
    const bytes = Math.min(part.length, left);
    if (bytes === 0) continue;
    setBuffer(context, at, pinned.addressOf(part, bytes), bytes);
    at += WSABUF.size;
    left -= bytes;
  }
  const count = at / WSABUF.size;
  scratch.view.setUint32(at, 0, true);
  context.counters.syscalls.WSASend++;
  const { address } = scratch;
  const result = context.platform.ws2_32.WSASend(connection.socket, address, count, address + at, 0, 0, 0);
  finish(context, result, at);
  context.counters.bytesSent += outcome.bytes;
  return outcome;
}

/** The same for what the WSABUFs of an operation name, without its OVERLAPPED. It counts no bytes: the operation does. */
export function sendSegmentsNow(
  context: Context,
  connection: Connection,
  operation: Operation,
  segments: number,
): Readonly<Outcome> {
  if (!mayBegin(context, connection)) return outcome;
  const { platform, scratch, counters } = context;
  scratch.view.setUint32(0, 0, true);
  counters.syscalls.WSASend++;
  const buffers = operation.address + SLOT.WSABUFS;
  const result = platform.ws2_32.WSASend(connection.socket, buffers, segments, scratch.address, 0, 0, 0);
  finish(context, result, 0);
  return outcome;
}

/** Otherwise a call that has nothing to do would block this thread. */
function mayBegin(context: Context, connection: Connection): boolean {
  outcome.code = becomeNonBlocking(context, connection);
  outcome.bytes = 0;
  return outcome.code === 0;
}

/** Writes the WSABUF, and 0 for the count and the flags behind it. Returns its address. */
function prepare(context: Context, address: number, length: number): number {
  const { scratch } = context;
  setBuffer(context, 0, address, length);
  scratch.view.setUint32(WSABUF.size, 0, true);
  scratch.view.setUint32(WSABUF.size + 4, 0, true);
  return scratch.address;
}

function setBuffer({ scratch }: Context, at: number, address: number, length: number): void {
  scratch.view.setUint32(at + WSABUF.len, length, true);
  scratch.setPointer(at + WSABUF.buf, address);
}

/** @param countAt where in the scratch page the call has written its count */
function finish({ platform, scratch }: Context, result: number, countAt: number = WSABUF.size): void {
  outcome.code = result === SOCKET_ERROR ? platform.ws2_32.WSAGetLastError() : 0;
  outcome.bytes = result === SOCKET_ERROR ? 0 : scratch.view.getUint32(countAt, true);
}
