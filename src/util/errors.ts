/**
 * From the system's codes to NetworkError: one table for what a code means, and per operation what is left when it means
 * nothing special. Whether it was we who closed the socket is decided before anything gets here.
 * docs/errors.md shows the outcome; test/util/errors.test.ts has a row for every cell.
 */
import { Win32Error } from '../../ffi/check.ts';
import { describeSystemError } from '../../ffi/system-error.ts';
import * as wsa from '../../ffi/wsa-errors.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';

/** What was being done, which decides the kind of an error that has no kind of its own. */
export const FALLBACK_KIND = {
  read: NetworkErrorCode.ReadFailed,
  write: NetworkErrorCode.WriteFailed,
  sendFile: NetworkErrorCode.WriteFailed,
  drain: NetworkErrorCode.WriteFailed,
  receive: NetworkErrorCode.ReadFailed,
  send: NetworkErrorCode.WriteFailed,
  accept: NetworkErrorCode.AcceptFailed,
  connect: NetworkErrorCode.ConnectFailed,
  socket: NetworkErrorCode.SocketCreationFailed,
  bind: NetworkErrorCode.BindFailed,
  listen: NetworkErrorCode.ListenFailed,
  initialize: NetworkErrorCode.InitializationFailed,
  option: NetworkErrorCode.Unknown,
  address: NetworkErrorCode.Unknown,
  shutdown: NetworkErrorCode.Unknown,
  watch: NetworkErrorCode.ConnectionFailed,
  loop: NetworkErrorCode.EventLoopError,
} as const;

/** An operation, as error messages name it. */
export type OperationName = keyof typeof FALLBACK_KIND;

/** Codes that mean the same whatever was being done. */
const KINDS: ReadonlyMap<number, NetworkErrorCode> = new Map<number, NetworkErrorCode>([
  [wsa.WSAECONNRESET, NetworkErrorCode.ConnectionReset],
  [wsa.ERROR_NETNAME_DELETED, NetworkErrorCode.ConnectionReset],
  [wsa.WSAENETRESET, NetworkErrorCode.ConnectionReset],
  [wsa.WSAECONNABORTED, NetworkErrorCode.ConnectionReset],
  [wsa.ERROR_CONNECTION_ABORTED, NetworkErrorCode.ConnectionReset],
  [wsa.WSAECONNREFUSED, NetworkErrorCode.ConnectionRefused],
  [wsa.ERROR_CONNECTION_REFUSED, NetworkErrorCode.ConnectionRefused],
  [wsa.ERROR_PORT_UNREACHABLE, NetworkErrorCode.ConnectionRefused],
  [wsa.WSAETIMEDOUT, NetworkErrorCode.Timeout],
  [wsa.ERROR_SEM_TIMEOUT, NetworkErrorCode.Timeout],
  [wsa.WSAEINTR, NetworkErrorCode.Interrupted],
  [wsa.ERROR_OPERATION_ABORTED, NetworkErrorCode.Interrupted],
  [wsa.WSAEWOULDBLOCK, NetworkErrorCode.WouldBlock],
  [wsa.WSAEADDRINUSE, NetworkErrorCode.AddressInUse],
  [wsa.WSAEADDRNOTAVAIL, NetworkErrorCode.AddressNotAvailable],
  [wsa.WSAEAFNOSUPPORT, NetworkErrorCode.InvalidAddress],
  [wsa.WSAEHOSTUNREACH, NetworkErrorCode.HostUnreachable],
  [wsa.WSAEHOSTDOWN, NetworkErrorCode.HostUnreachable],
  [wsa.ERROR_HOST_UNREACHABLE, NetworkErrorCode.HostUnreachable],
  [wsa.WSAENETUNREACH, NetworkErrorCode.NetworkUnreachable],
  [wsa.WSAENETDOWN, NetworkErrorCode.NetworkUnreachable],
  [wsa.ERROR_NETWORK_UNREACHABLE, NetworkErrorCode.NetworkUnreachable],
  [wsa.WSAEMFILE, NetworkErrorCode.TooManyOpenFiles],
  [wsa.ERROR_TOO_MANY_OPEN_FILES, NetworkErrorCode.TooManyOpenFiles],
  [wsa.ERROR_NOT_ENOUGH_MEMORY, NetworkErrorCode.OutOfMemory],
  [wsa.ERROR_OUTOFMEMORY, NetworkErrorCode.OutOfMemory],
  [wsa.WSAENOBUFS, NetworkErrorCode.ResourceExhausted],
  [wsa.WSAEACCES, NetworkErrorCode.PermissionDenied],
  [wsa.ERROR_ACCESS_DENIED, NetworkErrorCode.PermissionDenied],
]);

/** What else is known about a failure. */
export interface ErrorContext {
  address?: string | undefined;
  port?: number | undefined;
  /** What was thrown, where no call of the system has failed. */
  cause?: unknown;
}

/** The kind of a system error code in an operation. */
export function kindOf(operation: OperationName, code: number): NetworkErrorCode {
  return KINDS.get(code) ?? FALLBACK_KIND[operation];
}

/** The same by the word that Node.js has for the code, on any system: 'ECONNRESET'. Undefined for one that says nothing by itself. */
export function kindOfWord(word: string): NetworkErrorCode | undefined {
  for (const [code, kind] of KINDS) if (describeSystemError(code).code === word) return kind;
  return undefined;
}

export function systemError(
  operation: OperationName,
  syscall: string,
  code: number,
  context: ErrorContext = {},
): NetworkError {
  // A read that finds its connection aborted by the local stack has lost it just as to a RST; libuv and asio say
  // ECONNRESET too, and users test for that word.
  const meant = operation === 'read' && code === wsa.WSAECONNABORTED ? wsa.WSAECONNRESET : code;
  const described = describeSystemError(meant);
  const where = context.address === undefined ? '' : ` ${endpointText(context.address, context.port)}`;
  return new NetworkError(`${operation} ${described.code}${where}: ${described.message} (${syscall}, ${code})`, {
    kind: kindOf(operation, meant),
    code: described.code,
    errno: described.errno,
    systemErrorCode: code,
    syscall,
    ...context,
  });
}

/** Turns the checkers' Win32Error into a NetworkError; lets everything else through. */
export function fromWin32Error(operation: OperationName, error: unknown, context?: ErrorContext): unknown {
  return error instanceof Win32Error ? systemError(operation, error.syscall, error.systemErrorCode, context) : error;
}

/** What runEventLoop() is rejected with when the system cannot be waited for any more. */
export function eventLoopFailed(error: Error): NetworkError {
  const { syscall, systemErrorCode } = error instanceof Win32Error ? error : {};
  const message =
    `The event loop cannot wait for the network any more: ${error.message}. It has closed its sockets, answered every call ` +
    'and stopped. Call runEventLoop() again, and open the sockets anew; if it fails again, see what closes handles in ' +
    'this process that are not its own, or what uses up the memory of the system';
  const kind = NetworkErrorCode.EventLoopError;
  return new NetworkError(message, { kind, code: 'ERR_EVENT_LOOP_FAILED', syscall, systemErrorCode, cause: error });
}

/** What an operation gets when its socket was closed here, by closeSocket, resetSocket or stopEventLoop. */
export function connectionClosed(operation: OperationName): NetworkError {
  return new NetworkError(`${operation} ECANCELED: the socket was closed before the ${operation} completed`, {
    kind: NetworkErrorCode.ConnectionClosed,
    code: 'ECANCELED',
  });
}

/** What a call gets whose time is over. No system call has failed; a connect names the one that it was waiting for. */
export function timedOut(
  operation: OperationName,
  ms: number,
  context: ErrorContext & { readonly syscall?: string } = {},
): NetworkError {
  const where = context.address === undefined ? '' : ` ${endpointText(context.address, context.port)}`;
  return new NetworkError(`${operation} ETIMEDOUT${where}: not completed within ${ms} ms`, {
    kind: NetworkErrorCode.Timeout,
    code: 'ETIMEDOUT',
    ...context,
  });
}

/** What a call gets whose signal was aborted. */
export function aborted(operation: OperationName, signal: AbortSignal): NetworkError {
  const error = new NetworkError(`The ${operation} was aborted by its signal`, {
    kind: NetworkErrorCode.Interrupted,
    code: 'ABORT_ERR',
  });
  error.cause = signal.reason;
  return error;
}

/** What a call gets that cancel() has ended. */
export function cancelled(operation: OperationName): NetworkError {
  return new NetworkError(`${operation} ECANCELED: cancelled before it completed`, {
    kind: NetworkErrorCode.Interrupted,
    code: 'ECANCELED',
  });
}

/** asyncWrite or asyncSendFile behind a write that was taken back half-sent. */
export function streamTruncated(operation: 'write' | 'sendFile' | 'drain' | 'shutdown'): NetworkError {
  return new NetworkError(
    `${operation} EPIPE: an earlier write was cancelled when part of it had been sent, or another thread's could not ` +
      'begin, so nothing can follow it. Close the socket; the peer gets a reset',
    { kind: NetworkErrorCode.WriteFailed, code: 'EPIPE' },
  );
}

/** `1.2.3.4:80` or `[::1]:80`. */
export function endpointText(address: string, port: number | undefined): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return port === undefined ? host : `${host}:${port}`;
}

/**
 * What ICMP reports about a datagram sent earlier look like. WSAENETRESET is the time to live that ran out; Linux, so
 * Wine, says WSAECONNREFUSED where Windows says WSAECONNRESET.
 */
const UNREACHABLE: ReadonlySet<number> = new Set([
  wsa.WSAECONNRESET,
  wsa.WSAENETRESET,
  wsa.WSAECONNREFUSED,
  wsa.WSAEHOSTUNREACH,
  wsa.WSAENETUNREACH,
  wsa.ERROR_PORT_UNREACHABLE,
]);

/** True for a code with which a datagram socket says that something it sent has not reached its peer. */
export function isUnreachable(code: number): boolean {
  return UNREACHABLE.has(code);
}

/** Codes with which a call about a connection says that the connection is gone. */
const GONE: ReadonlySet<number> = new Set([
  wsa.WSAECONNRESET,
  wsa.WSAECONNABORTED,
  wsa.WSAENETRESET,
  wsa.WSAENOTCONN,
  wsa.WSAESHUTDOWN,
  wsa.WSAETIMEDOUT,
]);

/** True for a code that says that the connection has ended meanwhile, and nothing about the call. */
export function saysGone(code: number): boolean {
  return GONE.has(code);
}

/** A write behind one that was refused, whose callback has not come yet: what follows a hole must not be sent. */
export function behindRefused({ message, kind, code }: NetworkError): NetworkError {
  return new NetworkError(
    `An earlier write on this socket was refused, and its callback has not come yet. ${message}`,
    { kind, code },
  );
}

/** An asynchronous call with a buffer that lost its bytes before they were copied. */
export function bufferDetached(
  operation: 'read' | 'write' | 'receive' | 'send',
  wanted: number,
  left: number,
): NetworkError {
  return new NetworkError(
    `${operation} failed: the buffer was detached or shrunk while the ${operation} was pending ` +
      `(${wanted} bytes wanted, ${left} there). Keep it as it is until the callback`,
    { kind: FALLBACK_KIND[operation], code: 'ERR_BUFFER_DETACHED' },
  );
}

/** What node:fs says about a file to be sent, in its words. */
export function fileError(error: NodeJS.ErrnoException): NetworkError {
  const code = error.code ?? 'UNKNOWN';
  return new NetworkError(`sendFile ${error.message}`, {
    kind: FILE_KINDS.get(code) ?? FALLBACK_KIND.sendFile,
    code,
    errno: error.errno,
    syscall: error.syscall,
  });
}

const FILE_KINDS: ReadonlyMap<string, NetworkErrorCode> = new Map<string, NetworkErrorCode>([
  ['EACCES', NetworkErrorCode.PermissionDenied],
  ['EPERM', NetworkErrorCode.PermissionDenied],
  ['EMFILE', NetworkErrorCode.TooManyOpenFiles],
  ['ENFILE', NetworkErrorCode.TooManyOpenFiles],
  ['ENOMEM', NetworkErrorCode.OutOfMemory],
]);

/** A FileHandle that has no descriptor any more when its turn comes. */
export function fileHandleClosed(): NetworkError {
  return new NetworkError(
    'sendFile EBADF: the FileHandle was closed before its turn came. Keep it open until the callback',
    { kind: FALLBACK_KIND.sendFile, code: 'EBADF' },
  );
}

/** asyncSendFile of bytes that the file does not have. `size` is null for a file that has no places. */
export function fileRange(offset: number, length: number | undefined, size: number | null): NetworkError {
  const wanted = length === undefined ? `the bytes from ${offset} on` : `${length} bytes from ${offset} on`;
  const why =
    size === null ? 'it is no regular file, which can only be sent from its beginning' : `it has ${size} bytes`;
  return new NetworkError(`Cannot send ${wanted} of the file: ${why}`, {
    kind: FALLBACK_KIND.sendFile,
    code: 'ERR_OUT_OF_RANGE',
  });
}

/** The file has become shorter since it was opened. */
export function fileShrunk(needed: number, size: number): NetworkError {
  return new NetworkError(
    `sendFile failed: the file was cut while it was being sent (bytes up to ${needed} wanted, ${size} there). ` +
      'What has gone out cannot be completed, so the connection was reset',
    { kind: FALLBACK_KIND.sendFile, code: 'ERR_FILE_TRUNCATED' },
  );
}

/** asyncWrite or asyncSendFile after shutdown('send'). */
export function writeAfterEnd(operation: 'write' | 'sendFile'): NetworkError {
  return new NetworkError(`${operation} EPIPE: shutdown('send') has ended this side of the connection`, {
    kind: NetworkErrorCode.WriteFailed,
    code: 'EPIPE',
  });
}

export function outOfSlots(maxOperations: number): NetworkError {
  return new NetworkError(
    `Cannot start another operation: all ${maxOperations} are under way. Raise maxOperations in createNetworkPal`,
    { kind: NetworkErrorCode.ResourceExhausted, code: 'ERR_TOO_MANY_OPERATIONS' },
  );
}

/** asyncWrite beyond maxQueuedBytesPerSocket. */
export function queueFull(queued: number, more: number, limit: number): NetworkError {
  return new NetworkError(
    `Cannot queue ${more} more bytes: ${queued} of at most ${limit} are queued on this socket. ` +
      'Wait for write callbacks, or raise maxQueuedBytesPerSocket in createNetworkPal',
    { kind: NetworkErrorCode.ResourceExhausted, code: 'ERR_WRITE_QUEUE_FULL' },
  );
}

/** asyncWrite beyond maxQueuedBytes. */
export function queuesFull(queued: number, more: number, limit: number): NetworkError {
  return new NetworkError(
    `Cannot queue ${more} more bytes: ${queued} of at most ${limit} are queued on all sockets of this PAL together. ` +
      'Wait for write callbacks, close sockets whose peers do not read, or raise maxQueuedBytes in createNetworkPal',
    { kind: NetworkErrorCode.ResourceExhausted, code: 'ERR_WRITE_QUEUES_FULL' },
  );
}

/** asyncSendTo with too many datagrams waiting already. */
export function datagramQueueFull(limit: number): NetworkError {
  return new NetworkError(
    `Cannot queue another datagram: ${limit} wait on this socket. Wait for send callbacks before sending more`,
    { kind: NetworkErrorCode.ResourceExhausted, code: 'ERR_WRITE_QUEUE_FULL' },
  );
}

export function tooManySockets(limit: number): NetworkError {
  return new NetworkError(`Cannot open another socket: ${limit} are open in this PAL. Close some, or use another PAL`, {
    kind: NetworkErrorCode.TooManyOpenFiles,
    code: 'EMFILE',
  });
}
