/**
 * WSARecvFrom and WSASendTo without an OVERLAPPED, on a socket that does not block: they answer at once, and no packet comes. Their
 * arguments and results lie in the slot of an operation that the system does not have meanwhile, as those of overlapped calls do.
 *
 * Overlapped calls do not care whether their socket blocks, so both sorts may be used on one socket, as libuv does.
 * Source: https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsarecvfrom and -wsasendto, "If both lpOverlapped and
 * lpCompletionRoutine are NULL, the socket in this function will be treated as a nonoverlapped socket"
 */
import { SOCKET_ERROR } from '../../ffi/constants.ts';
import { sockaddr_in6 } from '../../ffi/layouts.ts';
import type { Counters } from '../loop/counters.ts';
import { DATAGRAM_SLOT, SLOT, type Operation } from '../memory/operation.ts';
import type { OperationTable } from '../memory/operation-table.ts';
import type { Platform } from '../platform/platform.ts';
import { writeDestination } from './socket-addresses.ts';

interface CallParts {
  readonly platform: Platform;
  readonly counters: Counters;
  readonly operations: OperationTable;
}

/**
 * Receives one datagram into the operation's first WSABUF, and its sender's address into the slot.
 * @returns 0 or the error code: WSAEWOULDBLOCK when none is there, WSAEMSGSIZE when it was cut off
 */
export function receiveFromAtOnce(
  { platform, counters, operations }: CallParts,
  socket: number,
  { address, word }: Operation,
): number {
  const { words } = operations;
  words[word + SLOT.FLAGS / 4] = 0;
  words[word + SLOT.BYTES / 4] = 0;
  words[word + DATAGRAM_SLOT.ADDRESS / 4] = 0; // no address family, until there is one
  words[word + DATAGRAM_SLOT.ADDRESS_LENGTH / 4] = sockaddr_in6.size;
  counters.syscalls.WSARecvFrom++;
  const result = platform.ws2_32.WSARecvFrom(
    socket,
    address + SLOT.WSABUFS,
    1,
    address + SLOT.BYTES,
    address + SLOT.FLAGS,
    address + DATAGRAM_SLOT.ADDRESS,
    address + DATAGRAM_SLOT.ADDRESS_LENGTH,
    0,
    0,
  );
  return result === SOCKET_ERROR ? platform.ws2_32.WSAGetLastError() : 0;
}

/** Sends the operation's first WSABUF to where its `datagram` goes. Returns 0 or the error code: WSAEWOULDBLOCK for no room. */
export function sendToAtOnce(
  { platform, counters, operations }: CallParts,
  socket: number,
  operation: Operation,
): number {
  const addressLength = writeDestination(operations.words, operation);
  operations.words[operation.word + SLOT.BYTES / 4] = 0;
  counters.syscalls.WSASendTo++;
  const { address } = operation;
  const result = platform.ws2_32.WSASendTo(
    socket,
    address + SLOT.WSABUFS,
    1,
    address + SLOT.BYTES,
    0,
    addressLength === 0 ? 0 : address + DATAGRAM_SLOT.ADDRESS,
    addressLength,
    0,
    0,
  );
  return result === SOCKET_ERROR ? platform.ws2_32.WSAGetLastError() : 0;
}

/** The bytes that the call on an operation has moved. */
export function bytesOfCall({ operations }: CallParts, { word }: Operation): number {
  return operations.words[word + SLOT.BYTES / 4] ?? 0;
}
