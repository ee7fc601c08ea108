/**
 * Sockets between processes, through WSADuplicateSocketW: the system makes a second handle of the same socket for the other
 * process, and says in a WSAPROTOCOL_INFOW how to get hold of it there. It can be used once, in that process only.
 *
 * Both handles are one socket, and one socket works with one port: so only an unassociated connection is exported, and it
 * moves: this process closes its handle, which sends no FIN as long as the other handle lives. A server stays open here as well,
 * and every process that has it accepts from it: the first through its port, the others through an event (Transport.share).
 *
 * Source: https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaduplicatesocketw
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { checkSocket, checkWinsock } from '../../../ffi/check.ts';
import { FROM_PROTOCOL_INFO, WSA_FLAG_NO_HANDLE_INHERIT, WSA_FLAG_OVERLAPPED } from '../../../ffi/constants.ts';
import { WSAPROTOCOL_INFOW } from '../../../ffi/layouts.ts';
import type { Endpoint, SocketHandle } from '../../pal/handles.ts';
import type { SocketInfo } from '../../pal/loops.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import { requireConnection, requireListener } from './claimed-socket.ts';
import type { Connection } from '../connection/connection.ts';
import type { Listener } from '../accept/listener.ts';
import type { Context } from '../../context/context.ts';
import { fromWin32Error } from '../../util/errors.ts';
import { attachSocket, release } from './handover.ts';
import type { SocketRecord } from '../../sockets/socket-record.ts';
import { discardSocket } from '../../sockets/sockets.ts';

/** Ids that are remembered, about 100 bytes each. The oldest goes first: what is used twice is used twice soon. */
const MAX_USED = 65_536;

/** Duplicates that are kept, and closed from the oldest on. */
export const MAX_KEPT = 64;

/**
 * Ids of what this thread has imported: Windows may take the same WSAPROTOCOL_INFOW again, for a second handle. Of other threads
 * nothing is known: they share no memory that they would not have to be given first.
 */
const used = new Set<string>();
/** The SOCKETs of duplicates whose import failed behind WSASocketW, which takes a duplicate once: for another attempt. By id. */
const kept = new Map<string, number>();

const FROM_CONNECTION = { call: 'importSocket', from: 'exportSocket() of a connection' } as const;
const FROM_SERVER = { call: 'importServer', from: 'exportSocket() of a server' } as const;

/** Makes a duplicate of a server for the process `pid`, and keeps the server. Throws NetworkError. */
export function exportServer(context: Context, listener: Listener, pid: number): SocketInfo {
  const info = duplicate(context, listener, pid, 'iocp-pal/server', null);
  listener.isShared = true;
  return info;
}

/** Moves an unassociated connection to the process `pid`. Throws NetworkError. */
export function exportConnection(context: Context, connection: Connection, pid: number): SocketInfo {
  const info = duplicate(context, connection, pid, 'iocp-pal/connection', connection.peer);
  discardSocket(context, release(context, connection));
  return info;
}

/** Makes a duplicate for the process `pid`. Throws NetworkError. */
function duplicate(
  context: Context,
  { socket, family }: SocketRecord,
  pid: number,
  kind: SocketInfo['kind'],
  peer: Endpoint | null,
): SocketInfo {
  const { platform, counters, scratch } = context;
  counters.syscalls.WSADuplicateSocketW++;
  try {
    const result = platform.ws2_32.WSADuplicateSocketW(socket, pid, scratch.address);
    checkWinsock(result, platform.ws2_32, 'WSADuplicateSocketW');
  } catch (error) {
    throw fromWin32Error('socket', error);
  }
  const protocolInfo = Buffer.from(scratch.bytes.subarray(0, WSAPROTOCOL_INFOW.size)).toString('base64');
  return { kind, id: randomUUID(), pid, family, peer, protocolInfo };
}

/** Takes hold of the duplicate of a connection. Throws NetworkError or TypeError, and can be tried again then. */
export function importConnection(context: Context, info: SocketInfo): SocketHandle {
  const socket = openDuplicate(context, info);
  const { id, family, peer } = info;
  try {
    requireConnection(context, { socket, family, peer }, FROM_CONNECTION);
    const { handle } = attachSocket(context, socket, family, peer);
    rememberUsed(id);
    return handle as SocketHandle;
  } catch (error) {
    keepDuplicate(context, id, socket);
    throw error;
  }
}

/** The SOCKET of a listening socket's duplicate. Throws NetworkError or TypeError, and can be tried again then. */
export function openListener(context: Context, info: SocketInfo): number {
  const socket = openDuplicate(context, info);
  const { id, family } = info;
  try {
    requireListener(context, { socket, family, peer: null }, FROM_SERVER);
  } catch (error) {
    keepDuplicate(context, id, socket);
    throw error;
  }
  return socket;
}

/** The SOCKET of a duplicate. Throws NetworkError. */
function openDuplicate(context: Context, { id, protocolInfo }: SocketInfo): number {
  if (used.has(id)) throw usedAlready();
  const known = kept.get(id);
  if (known !== undefined) {
    kept.delete(id);
    return known;
  }
  const { platform, counters, scratch } = context;
  scratch.bytes.set(Buffer.from(protocolInfo, 'base64').subarray(0, WSAPROTOCOL_INFOW.size), 0);
  counters.syscalls.WSASocketW++;
  const flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
  const any = FROM_PROTOCOL_INFO;
  try {
    return checkSocket(
      platform.ws2_32.WSASocketW(any, any, any, scratch.address, 0, flags),
      platform.ws2_32,
      'WSASocketW',
    );
  } catch (error) {
    throw fromWin32Error('socket', error);
  }
}

/** An import has failed. The SOCKET is still there, and nobody could have it from the system a second time. */
export function keepDuplicate(context: Context, id: string, socket: number): void {
  kept.set(id, socket);
  if (kept.size <= MAX_KEPT) return;
  for (const [oldest, number] of kept) {
    kept.delete(oldest);
    discardSocket(context, number);
    return;
  }
}

/** From now on the export of this id is refused. */
export function rememberUsed(id: string): void {
  used.add(id);
  if (used.size <= MAX_USED) return;
  for (const oldest of used) {
    used.delete(oldest);
    return;
  }
}

function usedAlready(): NetworkError {
  return new NetworkError('Cannot import the socket: this thread has imported it already. Export it again', {
    kind: NetworkErrorCode.SocketCreationFailed,
    code: 'ERR_TOKEN_USED',
  });
}
