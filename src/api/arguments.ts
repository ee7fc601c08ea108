/** Checks of what callers pass, and the errors for what cannot be used. */
import { isUint8Array } from 'node:util/types';
import { INVALID_SOCKET } from '../../ffi/constants.ts';
import { isHostName } from '../util/host-name.ts';
import { loopback, parseIpAddress, whyNoAddress, type IpAddress } from '../pal/ip-address.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { argumentError, NetworkError } from '../pal/network-error.ts';
import type { OperationOptions } from '../pal/pending-operation.ts';
import { shown } from '../util/shown.ts';
import type { Listener } from '../tcp/accept/listener.ts';
import { requireInteger, requireFunction, wrongType } from '../util/validate.ts';
import { NO_BYTES, plainBytes } from '../util/bytes.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';

/** Largest timeout, ms: what Node's timers take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const LOCALHOST = /^(?:.+\.)?localhost\.?$/i;

export function requireAddress(name: string, text: unknown): IpAddress {
  requireText(name, text);
  const address = parseIpAddress(text);
  if (address !== null) return address;
  const why = isHostName(text) ? '. Resolve the name first, with dns.lookup()' : whyNoAddress(text);
  throw invalidAddress(`Cannot use ${name} '${text}': it must be an IPv4 or IPv6 address, as text${why}`);
}

/**
 * Where a server is to listen. 'localhost' and the names below it are 127.0.0.1, whatever a resolver would say (RFC 6761, 6.3):
 * every client that is told such a name comes there, be it after ::1 has refused it.
 */
export function requireListenAddress(text: unknown): IpAddress {
  const isLocalhost = typeof text === 'string' && LOCALHOST.test(text) && isHostName(text);
  return isLocalhost ? loopback(4) : requireAddress('address', text);
}

/** An address, or the name of a host that has some. */
export function requireHost(name: string, text: unknown): IpAddress | string {
  requireText(name, text);
  const address = parseIpAddress(text);
  if (address !== null) return address;
  if (isHostName(text)) return text;
  throw invalidAddress(
    `Cannot use ${name} '${text}': it must be an IPv4 or IPv6 address, as text, or a host name${whyNoAddress(text)}`,
  );
}

function requireText(name: string, text: unknown): asserts text is string {
  if (typeof text !== 'string') throw wrongType(name, 'a string', text);
}

/** The record has a SOCKET, which a connection by name gets late. */
export function requireSocket(call: string, { socket, handle }: SocketRecord): void {
  if (socket !== INVALID_SOCKET) return;
  throw new NetworkError(
    `Cannot ${call} on socket ${handle}: the name it is to connect to has not led to a connection yet. ` +
      "Wait for asyncConnect's callback",
    { kind: NetworkErrorCode.ConnectionFailed, code: 'ENOTCONN' },
  );
}

export function invalidAddress(message: string): NetworkError {
  return new NetworkError(message, { kind: NetworkErrorCode.InvalidAddress, code: 'ERR_INVALID_IP_ADDRESS' });
}

export function requirePort(port: unknown, least: 0 | 1): void {
  if (typeof port === 'number' && Number.isInteger(port) && port >= least && port <= 65535) return;
  throw argumentError(
    RangeError,
    'ERR_SOCKET_BAD_PORT',
    `Cannot use port: it must be an integer from ${least} to 65535, and is ${shown(port)}`,
  );
}

export function requireCallback(callback: unknown): void {
  requireFunction('the callback', callback);
}

/** The options that all asynchronous calls share. */
export function checkOperationOptions({ timeout, signal }: OperationOptions): void {
  if (timeout !== undefined) requireInteger('timeout', timeout, 1, MAX_TIMEOUT_MS);
  if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('the signal', 'an AbortSignal', signal);
}

/** Also one of another realm (node:vm, jest, jsdom), which is what Node.js asks too. */
function isAbortSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!('aborted' in value && 'addEventListener' in value && 'removeEventListener' in value)) return false;
  // The second is called when its calls have ended, where nobody would catch what it throws.
  return typeof value.addEventListener === 'function' && typeof value.removeEventListener === 'function';
}

/**
 * The bytes of what must be an array of them. (isUint8Array looks at the object itself: it knows the arrays of other realms, and is
 * not taken in by a Proxy.)
 */
export function requireBytes(name: string, value: unknown): Uint8Array {
  if (isUint8Array(value)) return plainBytes(value);
  throw noBytes(name, value);
}

function noBytes(name: string, value: unknown): TypeError {
  return wrongType(name, `a Buffer or Uint8Array${name === 'data' ? ', or an array of them' : ''}`, value);
}

/** The same where none would be a mistake. */
export function requireSomeBytes(name: string, value: unknown): Uint8Array {
  const bytes = requireBytes(name, value);
  if (bytes.byteLength === 0) throw emptyBuffer(name, bytes);
  return bytes;
}

/**
 * What a write or a datagram is made of; of a list a copy, since what the caller does with it afterwards, or it answers the
 * next time, must not change what is sent. (Nothing can be sent too, but not the nothing that a detached buffer holds.)
 */
export function requireData(data: unknown): Uint8Array | readonly Uint8Array[] {
  return Array.isArray(data) ? requireList(data) : requireChunk(data);
}

function requireList(data: unknown[]): readonly Uint8Array[] {
  return Array.from(data, requireChunk);
}

/** The same, of at least one byte. */
export function requireSomeData(given: unknown): Uint8Array | readonly Uint8Array[] {
  if (!Array.isArray(given)) return requireSomeBytes('data', given);
  const data = Array.from(given, requireChunk);
  if (data.every(({ byteLength }) => byteLength === 0)) throw emptyBuffer('data', NO_BYTES);
  return data;
}

function requireChunk(given: unknown): Uint8Array {
  const chunk = requireBytes('data', given);
  return chunk.byteLength > 0 ? chunk : requireNothing(chunk);
}

function requireNothing(chunk: Uint8Array): Uint8Array {
  if (isDetached(chunk)) throw emptyBuffer('data', chunk);
  return chunk;
}

function emptyBuffer(name: string, value: Uint8Array): TypeError {
  const detached = isDetached(value);
  return argumentError(
    TypeError,
    detached ? 'ERR_BUFFER_DETACHED' : 'ERR_INVALID_ARG_VALUE',
    detached
      ? `Cannot use ${name}: its ArrayBuffer was detached (transferred). Pass a buffer that still has its memory`
      : `Cannot use ${name}: it has 0 bytes, where at least 1 is needed`,
  );
}

/** A detached array cannot be told from an empty one by its length: making a view on it is what fails. */
function isDetached(value: Uint8Array): boolean {
  try {
    new Uint8Array(value.buffer, 0, 0);
    return false;
  } catch {
    return true;
  }
}

export function requireUnwatched(call: string, record: SocketRecord): void {
  if (record.watch !== null) throw watched(call, record);
}

function watched(call: string, { handle }: SocketRecord): NetworkError {
  return mixedApis(call, handle, 'it is being watched. Call unwatch() first');
}

/** Throws for a server whose connections go to other loops. */
export function requireOwnConnections(call: string, listener: Listener): void {
  if (listener.distributor === null) return;
  throw new NetworkError(
    `Cannot ${call} server ${listener.handle}: it hands its connections to other loops (spread), which get them through ` +
      'onConnection. This loop may be one of them',
    { kind: NetworkErrorCode.AcceptFailed, code: 'ERR_SERVER_SPREADS' },
  );
}

export function mixedApis(call: string, handle: number, why: string): NetworkError {
  return new NetworkError(`Cannot ${call} socket ${handle}: ${why}. A socket is used through one API at a time`, {
    kind: NetworkErrorCode.ConnectionFailed,
    code: 'ERR_MIXED_APIS',
  });
}

export function unknownHandle(handle: unknown): NetworkError {
  return new NetworkError(
    `Cannot use socket handle ${shown(handle)}: this PAL has never given it out. Pass the number that createServer, ` +
      'createUdpSocket, asyncAccept or asyncConnect gave you, unchanged',
    { kind: NetworkErrorCode.ConnectionClosed, code: 'ERR_UNKNOWN_HANDLE' },
  );
}

/** For the few calls that hand something out, and can answer in no other way. */
export function closedHandle(handle: number): NetworkError {
  return new NetworkError(
    `Cannot use socket ${handle}: it is closed. Windows may have given its number to another connection, ` +
      'which this handle does not reach',
    { kind: NetworkErrorCode.ConnectionClosed, code: 'ERR_SOCKET_CLOSED' },
  );
}

export function wrongKind({ handle, kind }: SocketRecord, from: string): TypeError {
  return argumentError(
    TypeError,
    'ERR_INVALID_HANDLE_KIND',
    `Cannot use handle ${handle} here: it is ${kind.noun}. Pass one that came from ${from}`,
  );
}

export function notConnected({ handle }: SocketRecord): NetworkError {
  return new NetworkError(
    `Cannot use the peer of UDP socket ${handle}: it has none. Name a destination, or call connectUdp`,
    { kind: NetworkErrorCode.ConnectionFailed, code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED' },
  );
}
