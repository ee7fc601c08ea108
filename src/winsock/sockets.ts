/** Making sockets and giving them what every socket of ours has: a place on the port, and options. */
import { checkHandle, checkSocket, checkWinsock } from '../../ffi/check.ts';
import {
  AF_INET,
  AF_INET6,
  FILE_SKIP_COMPLETION_PORT_ON_SUCCESS,
  FILE_SKIP_SET_EVENT_ON_HANDLE,
  IPPROTO_TCP,
  SO_PROTOCOL_INFOW,
  SOCK_STREAM,
  SOL_SOCKET,
  WSA_FLAG_NO_HANDLE_INHERIT,
  WSA_FLAG_OVERLAPPED,
  XP1_IFS_HANDLES,
} from '../../ffi/constants.ts';
import { WSAPROTOCOL_INFOW_SIZE } from '../../ffi/layouts.ts';
import type { Win32Tables } from '../../ffi/tables.ts';
import type { IpAddress } from '../pal/ip-address.ts';
import type { Connection } from './connection.ts';
import type { Counters } from './counters.ts';
import type { Driver } from './driver.ts';
import type { Scratch } from './scratch.ts';
import type { SocketRecord } from './socket-record.ts';

/** What making a socket needs; a Driver has it all. */
export interface SocketParts {
  readonly kernel: Win32Tables;
  readonly counters: Counters;
  readonly scratch: Scratch;
}

/** A TCP socket, overlapped and not inherited by child processes. Throws Win32Error. */
export function openTcpSocket({ kernel, counters }: SocketParts, family: 4 | 6): number {
  counters.calls.WSASocketW++;
  const flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
  const socket = kernel.ws2_32.WSASocketW(family === 4 ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP, 0, 0, flags);
  return checkSocket(socket, kernel.ws2_32, 'WSASocketW');
}

/** Binds. Throws Win32Error. */
export function bindSocket(parts: SocketParts, socket: number, address: IpAddress, port: number): void {
  const { kernel, counters, scratch } = parts;
  const length = scratch.setSockaddr(0, address, port);
  counters.calls.bind++;
  checkWinsock(kernel.ws2_32.bind(socket, scratch.address, length), kernel.ws2_32, 'bind');
}

/** Sets an int option. Throws Win32Error. */
export function setIntOption(
  parts: SocketParts,
  socket: number,
  level: number,
  name: number,
  value: number,
  syscall: string,
): void {
  const { kernel, counters, scratch } = parts;
  scratch.view.setInt32(0, value, true);
  counters.calls.setsockopt++;
  checkWinsock(kernel.ws2_32.setsockopt(socket, level, name, scratch.address, 4), kernel.ws2_32, syscall);
}

/** Reads an int option (or one that is shorter: the rest is 0). Throws Win32Error. */
export function getIntOption(parts: SocketParts, socket: number, level: number, name: number, syscall: string): number {
  const { kernel, counters, scratch } = parts;
  scratch.view.setInt32(0, 0, true);
  scratch.view.setInt32(8, 4, true);
  counters.calls.getsockopt++;
  const result = kernel.ws2_32.getsockopt(socket, level, name, scratch.address, scratch.address + 8);
  checkWinsock(result, kernel.ws2_32, syscall);
  return scratch.view.getInt32(0, true);
}

/** Ties a socket to the port under its handle as key; for good, Windows has no way back. Throws Win32Error. */
export function associate(driver: Driver, record: SocketRecord): void {
  const { kernel, counters, loop } = driver;
  counters.calls.CreateIoCompletionPort++;
  const result = kernel.kernel32.CreateIoCompletionPort(record.socket, loop.port, record.handle, 0);
  checkHandle(result, kernel.kernel32, 'CreateIoCompletionPort');
}

/**
 * Asks the system not to queue packets for calls of this socket that succeed at once. Only its yes counts, socket by
 * socket: with a layered provider in between, packets would be lost (Microsoft KB2568167).
 */
export function skipPackets(driver: Driver, connection: Connection): void {
  if (!driver.options.skipCompletionPortOnSuccess) return;
  if (!hasRealHandles(driver, connection.socket)) return;
  const { kernel, counters } = driver;
  counters.calls.SetFileCompletionNotificationModes++;
  const modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
  connection.skipsPackets = kernel.kernel32.SetFileCompletionNotificationModes(connection.socket, modes) !== 0;
}

/**
 * Whether the socket's provider gives real file handles (XP1_IFS_HANDLES), which completion ports need.
 * Source: https://learn.microsoft.com/windows/win32/api/winsock2/ns-winsock2-wsaprotocol_infow
 */
export function hasRealHandles({ kernel, counters, scratch }: SocketParts, socket: number): boolean {
  const lengthAt = 1024;
  scratch.view.setInt32(lengthAt, WSAPROTOCOL_INFOW_SIZE, true);
  counters.calls.getsockopt++;
  const result = kernel.ws2_32.getsockopt(
    socket,
    SOL_SOCKET,
    SO_PROTOCOL_INFOW,
    scratch.address,
    scratch.address + lengthAt,
  );
  return result === 0 && (scratch.view.getUint32(0, true) & XP1_IFS_HANDLES) !== 0;
}

/** Closes a socket that no record owns yet. */
export function discardSocket({ kernel, counters }: SocketParts, socket: number): void {
  counters.calls.closesocket++;
  kernel.ws2_32.closesocket(socket);
}
