/**
 * What transfer() and exportSocket() gave out comes back from postMessage, JSON or a file: it is checked whole, each field
 * read once, before anything is done with it. A wrong SOCKET in a record would make the stop fail much later.
 */
import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import process from 'node:process';
import { isInt32Array, isSharedArrayBuffer } from 'node:util/types';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../../ffi/constants.ts';
import { WSAPROTOCOL_INFOW } from '../../ffi/layouts.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { SocketInfo, TransferToken } from '../pal/loops.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { argumentError, NetworkError } from '../pal/network-error.ts';
import { shown } from '../util/shown.ts';
import type { Context } from '../context/context.ts';
import { socketIn, TAKEN_WORDS } from '../tcp/transfer/handover.ts';
import { protocolIn } from '../sockets/sockets.ts';

/** Length of an id, which is a UUID in text. */
const ID_LENGTH = 36;
const MAX_PORT = 0xffff;

type Fields<T extends TransferToken | SocketInfo | Endpoint> = { readonly [Name in keyof T]?: unknown };

/** A checked copy of a token. Throws TypeError. */
export function requireToken(token: TransferToken): TransferToken {
  const wrong = (field: string): TypeError => wrongData('receiveTransfer', token, field, 'transfer()');
  const { kind, socket, family, peer, taken } = fieldsOf<TransferToken>(token);
  if (kind !== 'iocp-pal/socket') throw wrong('kind');
  if (!Number.isSafeInteger(socket) || (socket as number) <= 0) throw wrong('socket');
  if (!isFamily(family)) throw wrong('family');
  if (!isShared(taken)) throw wrong('taken');
  if (socketIn(taken) !== socket) throw wrong('socket');
  const checked = checkedPeer(peer);
  if (checked === undefined) throw wrong('peer');
  return { kind, socket: socket, family, peer: checked, taken };
}

/** A checked copy of what another process exported for this one. Throws TypeError, or NetworkError ERR_WRONG_PROCESS. */
export function requireInfo(
  { platform }: Context,
  call: string,
  info: SocketInfo,
  expected: SocketInfo['kind'],
): SocketInfo {
  const from = expected === 'iocp-pal/server' ? 'exportSocket() of a server' : 'exportSocket() of a connection';
  const wrong = (field: string): TypeError => wrongData(call, info, field, from);
  const { kind, id, pid, family, peer, protocolInfo } = fieldsOf<SocketInfo>(info);
  if (kind !== expected) throw wrong('kind');
  if (typeof id !== 'string' || id.length !== ID_LENGTH) throw wrong('id');
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0) throw wrong('pid');
  if (!isFamily(family)) throw wrong('family');
  const protocol = checkedProtocol(protocolInfo);
  if (protocol === null) throw wrong('protocolInfo');
  if (protocol.family !== family) throw wrong('family');
  const checked = checkedPeer(peer);
  if (checked === undefined) throw wrong('peer');
  const own = platform.processId ?? process.pid;
  if (pid === own) return { kind: expected, id, pid, family, peer: checked, protocolInfo: protocol.text };
  throw new NetworkError(
    `Cannot ${call} in process ${own}: it was exported for process ${String(pid)}. Export it for this one`,
    { kind: NetworkErrorCode.SocketCreationFailed, code: 'ERR_WRONG_PROCESS' },
  );
}

function fieldsOf<T extends TransferToken | SocketInfo | Endpoint>(value: unknown): Fields<T> {
  const fields: unknown = typeof value === 'object' && value !== null ? value : {};
  return fields as Fields<T>;
}

function isFamily(value: unknown): value is 4 | 6 {
  return value === 4 || value === 6;
}

/** Also of another realm: in jest, what a message brings is of one. */
function isShared(value: unknown): value is Int32Array {
  return isInt32Array(value) && value.length === TAKEN_WORDS && isSharedArrayBuffer(value.buffer);
}

/** Null when it is not of a TCP socket. Of any other length the system would be given what happens to lie behind it. */
function checkedProtocol(text: unknown): { text: string; family: 4 | 6 } | null {
  if (typeof text !== 'string') return null;
  const { buffer, byteOffset, length } = Buffer.from(text, 'base64');
  if (length !== WSAPROTOCOL_INFOW.size) return null;
  const { iAddressFamily, iSocketType } = protocolIn(new DataView(buffer, byteOffset, length));
  if (iSocketType !== SOCK_STREAM) return null;
  if (iAddressFamily === AF_INET) return { text, family: 4 };
  return iAddressFamily === AF_INET6 ? { text, family: 6 } : null;
}

/** A copy of the peer; undefined when it is none. */
function checkedPeer(value: unknown): Endpoint | null | undefined {
  if (value === null) return null;
  const { address, port, family } = fieldsOf<Endpoint>(value);
  if (typeof address !== 'string' || isIP(address) === 0 || !isFamily(family)) return undefined;
  if (!Number.isSafeInteger(port) || (port as number) < 0 || (port as number) > MAX_PORT) return undefined;
  return { address, port: port as number, family };
}

function wrongData(call: string, value: unknown, field: string, from: string): TypeError {
  return argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot ${call} ${shown(value)}: it must be what ${from} returned, unchanged. Its '${field}' is wrong`,
  );
}
