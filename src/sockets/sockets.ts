/** Making sockets, binding them, and the options that are plain ints. */
import { checkSocket, checkWinsock, Win32Error } from '../../ffi/check.ts';
import {
  AF_INET,
  AF_INET6,
  FIONBIO,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SO_LINGER,
  SO_PROTOCOL_INFOW,
  SO_REUSE_UNICASTPORT,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOCKET_ERROR,
  SOL_SOCKET,
  WSA_FLAG_NO_HANDLE_INHERIT,
  WSA_FLAG_OVERLAPPED,
  XP1_IFS_HANDLES,
} from '../../ffi/constants.ts';
import { LINGER, WSABUF, WSAPROTOCOL_INFOW } from '../../ffi/layouts.ts';
import type { Win32Tables } from '../../ffi/tables.ts';
import { WSAENOTCONN } from '../../ffi/wsa-errors.ts';
import type { IpAddress } from '../pal/ip-address.ts';
import type { Counters } from '../loop/counters.ts';
import type { Scratch } from '../memory/scratch.ts';

/** What making a socket needs; a Context has it all. */
export interface SocketParts {
  readonly platform: Win32Tables;
  readonly counters: Counters;
  readonly scratch: Scratch;
}

/** A TCP socket, overlapped and not inherited by child processes. Throws Win32Error. */
export function openTcpSocket(parts: SocketParts, family: 4 | 6): number {
  return openSocket(parts, family, SOCK_STREAM, IPPROTO_TCP);
}

/** A UDP socket, overlapped and not inherited by child processes. Throws Win32Error. */
export function openUdpSocket(parts: SocketParts, family: 4 | 6): number {
  return openSocket(parts, family, SOCK_DGRAM, IPPROTO_UDP);
}

function openSocket({ platform, counters }: SocketParts, family: 4 | 6, type: number, protocol: number): number {
  counters.syscalls.WSASocketW++;
  const flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
  const socket = platform.ws2_32.WSASocketW(family === 4 ? AF_INET : AF_INET6, type, protocol, 0, 0, flags);
  return checkSocket(socket, platform.ws2_32, 'WSASocketW');
}

/** Binds. Throws Win32Error. */
export function bindSocket(parts: SocketParts, socket: number, address: IpAddress, port: number): void {
  const { platform, counters, scratch } = parts;
  const length = scratch.setSockaddr(0, address, port);
  counters.syscalls.bind++;
  checkWinsock(platform.ws2_32.bind(socket, scratch.address, length), platform.ws2_32, 'bind');
}

/**
 * SO_REUSE_UNICASTPORT: the port that a bind to port 0 takes may also serve connections to other destinations, as with a
 * connect() that binds by itself. Otherwise each outgoing connection takes one of the 16 384 ports of the machine for itself.
 * Windows 10 and newer; elsewhere it is refused, and each has a port of its own.
 * Source: https://learn.microsoft.com/windows/win32/winsock/sol-socket-socket-options
 */
export function sharePorts({ platform, counters, scratch }: SocketParts, socket: number): void {
  scratch.view.setInt32(0, 1, true);
  counters.syscalls.setsockopt++;
  platform.ws2_32.setsockopt(socket, SOL_SOCKET, SO_REUSE_UNICASTPORT, scratch.address, 4);
}

/** FIONBIO: calls that are not overlapped answer WSAEWOULDBLOCK where they would wait. Throws Win32Error. */
export function setNonBlocking({ platform, counters, scratch }: SocketParts, socket: number): void {
  scratch.view.setUint32(0, 1, true);
  counters.syscalls.ioctlsocket++;
  const result = platform.ws2_32.ioctlsocket(socket, FIONBIO, scratch.address);
  checkWinsock(result, platform.ws2_32, 'ioctlsocket(FIONBIO)');
}

/** The same, once for a socket, for calls beside overlapped ones, which do not care. Returns 0, or the error code of the system. */
export function becomeNonBlocking(
  parts: SocketParts,
  record: { readonly socket: number; nonBlocking: boolean },
): number {
  if (record.nonBlocking) return 0;
  try {
    setNonBlocking(parts, record.socket);
  } catch (error) {
    if (error instanceof Win32Error) return error.systemErrorCode;
    throw error;
  }
  record.nonBlocking = true;
  return 0;
}

export function setIntOption(
  parts: SocketParts,
  socket: number,
  level: number,
  name: number,
  value: number,
  syscall: string,
): void {
  const { platform, counters, scratch } = parts;
  scratch.view.setInt32(0, value, true);
  counters.syscalls.setsockopt++;
  checkWinsock(platform.ws2_32.setsockopt(socket, level, name, scratch.address, 4), platform.ws2_32, syscall);
}

/** Reads an int option (or one that is shorter: the rest is 0). Throws Win32Error. */
export function getIntOption(parts: SocketParts, socket: number, level: number, name: number, syscall: string): number {
  const { platform, counters, scratch } = parts;
  scratch.view.setInt32(0, 0, true);
  scratch.view.setInt32(8, 4, true);
  counters.syscalls.getsockopt++;
  const result = platform.ws2_32.getsockopt(socket, level, name, scratch.address, scratch.address + 8);
  checkWinsock(result, platform.ws2_32, syscall);
  return scratch.view.getInt32(0, true);
}

/**
 * Whether the socket's provider gives real file handles (XP1_IFS_HANDLES), which completion ports need.
 * Source: https://learn.microsoft.com/windows/win32/api/winsock2/ns-winsock2-wsaprotocol_infow
 */
export function hasRealHandles(parts: SocketParts, socket: number): boolean {
  if (readProtocol(parts, socket) !== 0) return false;
  return (parts.scratch.view.getUint32(WSAPROTOCOL_INFOW.dwServiceFlags1, true) & XP1_IFS_HANDLES) !== 0;
}

/** Family and type of a socket. Throws Win32Error, WSAENOTSOCK for what is none. */
export function protocolOf(parts: SocketParts, socket: number): { iAddressFamily: number; iSocketType: number } {
  checkWinsock(readProtocol(parts, socket), parts.platform.ws2_32, 'getsockopt(SO_PROTOCOL_INFOW)');
  return protocolIn(parts.scratch.view);
}

export function protocolIn(view: DataView): { iAddressFamily: number; iSocketType: number } {
  return {
    iAddressFamily: view.getInt32(WSAPROTOCOL_INFOW.iAddressFamily, true),
    iSocketType: view.getInt32(WSAPROTOCOL_INFOW.iSocketType, true),
  };
}

/** Fills the scratch page with the socket's WSAPROTOCOL_INFOW. Returns what getsockopt does. */
function readProtocol({ platform, counters, scratch }: SocketParts, socket: number): number {
  const { view, address } = scratch;
  const lengthAt = 1024;
  view.setInt32(lengthAt, WSAPROTOCOL_INFOW.size, true);
  counters.syscalls.getsockopt++;
  return platform.ws2_32.getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, address, address + lengthAt);
}

/** SO_LINGER {1, 0}: closesocket sends RST and drops what the kernel still has to send. */
export function lingerZero({ platform, counters, scratch }: SocketParts, socket: number): void {
  const { view, address } = scratch;
  view.setUint16(LINGER.l_onoff, 1, true);
  view.setUint16(LINGER.l_linger, 0, true);
  counters.syscalls.setsockopt++;
  platform.ws2_32.setsockopt(socket, SOL_SOCKET, SO_LINGER, address, LINGER.size);
}

/** Whether a socket answers as one that was never connected: a send of nothing must fail for just that reason. */
export function isFresh({ platform, counters, scratch }: SocketParts, socket: number): boolean {
  const countAt = WSABUF.size;
  scratch.view.setUint32(WSABUF.len, 0, true);
  scratch.setPointer(WSABUF.buf, scratch.address);
  counters.syscalls.WSASend++;
  const result = platform.ws2_32.WSASend(socket, scratch.address, 1, scratch.address + countAt, 0, 0, 0);
  return result === SOCKET_ERROR && platform.ws2_32.WSAGetLastError() === WSAENOTCONN;
}

/** Closes a connection that no record owns, with RST. Of a socket without one, only the socket is closed. */
export function abortSocket(parts: SocketParts, socket: number): void {
  lingerZero(parts, socket);
  discardSocket(parts, socket);
}

/** Closes a socket that no record owns yet. */
export function discardSocket({ platform, counters }: SocketParts, socket: number): void {
  counters.syscalls.closesocket++;
  platform.ws2_32.closesocket(socket);
}
