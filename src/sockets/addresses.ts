/** Local and remote end points of a socket, as the system knows them. */
import { Win32Error } from '../../ffi/check.ts';
import { INVALID_SOCKET, SOCKET_ERROR } from '../../ffi/constants.ts';
import { sockaddr_in6 } from '../../ffi/layouts.ts';
import { WSAENOTCONN, WSAEINVAL } from '../../ffi/wsa-errors.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { Context } from '../context/context.ts';
import { fromWin32Error, systemError } from '../util/errors.ts';
import { readSockaddr } from '../memory/scratch.ts';
import type { SocketRecord } from './socket-record.ts';
import type { SocketParts } from './sockets.ts';

/** Offset in the scratch page of the address's length, behind the longest address. */
const LENGTH_AT = 128;

/** The end point of nobody: of a socket that is closed, or of a peer that the system does not name. */
export const NO_ENDPOINT: Endpoint = Object.freeze({ address: '', port: 0, family: 4 });

/** The end point that the socket is bound to. Throws NetworkError when it has none (yet). */
export function localEndpoint(context: Context, record: Pick<SocketRecord, 'socket'>): Endpoint {
  if (record.socket === INVALID_SOCKET) throw systemError('address', 'getsockname', WSAEINVAL);
  return query(context, 'getsockname', record.socket);
}

/** A socket that may have a peer. */
interface Connectable {
  readonly socket: number;
  readonly connected: boolean;
  /** As far as they are known. */
  peer: Endpoint | null;
  local: Endpoint | null;
}

/** The local end point of a connection: it never changes once there is one. Throws NetworkError before. */
export function connectionLocal(context: Context, connection: Connectable): Endpoint {
  if (connection.local !== null) return connection.local;
  const local = localEndpoint(context, connection);
  if (connection.connected) connection.local = local;
  return local;
}

/** The peer's end point. Throws NetworkError while there is none. */
export function remoteEndpoint(context: Context, connection: Connectable): Endpoint {
  if (!connection.connected) throw systemError('address', 'getpeername', WSAENOTCONN);
  if (connection.peer !== null) return connection.peer;
  connection.peer = query(context, 'getpeername', connection.socket);
  return connection.peer;
}

function query(context: Context, syscall: 'getsockname' | 'getpeername', socket: number): Endpoint {
  try {
    return askForEndpoint(context, syscall, socket);
  } catch (error) {
    throw fromWin32Error('address', error);
  }
}

/** The end point of a SOCKET whose connection may be gone already: null when the system does not name it. */
export function boundTo(parts: SocketParts, socket: number): Endpoint | null {
  try {
    return askForEndpoint(parts, 'getsockname', socket);
  } catch (error) {
    if (error instanceof Win32Error) return null;
    throw error;
  }
}

/** What the system says of a SOCKET. Throws Win32Error. */
export function askForEndpoint(parts: SocketParts, syscall: 'getsockname' | 'getpeername', socket: number): Endpoint {
  const { platform, counters, scratch } = parts;
  counters.syscalls[syscall]++;
  scratch.view.setInt32(LENGTH_AT, sockaddr_in6.size, true);
  const result = platform.ws2_32[syscall](socket, scratch.address, scratch.address + LENGTH_AT);
  if (result === SOCKET_ERROR) throw new Win32Error(syscall, platform.ws2_32.WSAGetLastError());
  const endpoint = readSockaddr(scratch.bytes.subarray(0, scratch.view.getInt32(LENGTH_AT, true)));
  if (endpoint === null) throw new Win32Error(syscall, WSAEINVAL);
  return endpoint;
}
