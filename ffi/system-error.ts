/**
 * The errno word, libuv's number and the text that a Node program expects for a Win32 or Winsock error number.
 *
 * Nothing here depends on the operation. That a read says ECONNRESET where a write says ECANCELED is the library's
 * decision (docs/errors.md).
 */
import { getSystemErrorMap } from 'node:util';

import { SystemErrorCode, type SystemErrorName } from './wsa-errors.ts';

/**
 * The words Node itself reports: libuv's translation, row by row (libuv v1.x, src/win/error.c, uv_translate_sys_error).
 * Some look odd and stay, because a program written for node:net compares against them: WSAEPFNOSUPPORT is EINVAL,
 * WSAESHUTDOWN is EPIPE, WSAEINTR is ECANCELED, ERROR_ACCESS_DENIED is EPERM while WSAEACCES is EACCES.
 */
export const LIBUV_WORDS = {
  ERROR_TOO_MANY_OPEN_FILES: 'EMFILE',
  ERROR_ACCESS_DENIED: 'EPERM',
  ERROR_INVALID_HANDLE: 'EBADF',
  ERROR_NOT_ENOUGH_MEMORY: 'ENOMEM',
  ERROR_INVALID_DATA: 'EINVAL',
  ERROR_OUTOFMEMORY: 'ENOMEM',
  ERROR_GEN_FAILURE: 'EIO',
  ERROR_NOT_SUPPORTED: 'ENOTSUP',
  ERROR_NETNAME_DELETED: 'ECONNRESET',
  ERROR_INVALID_PARAMETER: 'EINVAL',
  ERROR_BROKEN_PIPE: 'EOF',
  ERROR_BUFFER_OVERFLOW: 'ENAMETOOLONG',
  ERROR_SEM_TIMEOUT: 'ETIMEDOUT',
  ERROR_INSUFFICIENT_BUFFER: 'EINVAL',
  ERROR_BAD_PIPE: 'EPIPE',
  ERROR_NO_DATA: 'EAGAIN',
  ERROR_PIPE_NOT_CONNECTED: 'EPIPE',
  ERROR_OPERATION_ABORTED: 'ECANCELED',
  ERROR_NOACCESS: 'EFAULT',
  ERROR_INVALID_FLAGS: 'EBADF',
  ERROR_IO_DEVICE: 'EIO',
  ERROR_CONNECTION_REFUSED: 'ECONNREFUSED',
  ERROR_ADDRESS_ALREADY_ASSOCIATED: 'EADDRINUSE',
  ERROR_NETWORK_UNREACHABLE: 'ENETUNREACH',
  ERROR_HOST_UNREACHABLE: 'EHOSTUNREACH',
  ERROR_CONNECTION_ABORTED: 'ECONNABORTED',
  ERROR_NOT_CONNECTED: 'ENOTCONN',
  WSAEINTR: 'ECANCELED',
  WSAEACCES: 'EACCES',
  WSAEFAULT: 'EFAULT',
  WSAEINVAL: 'EINVAL',
  WSAEMFILE: 'EMFILE',
  WSAEWOULDBLOCK: 'EAGAIN',
  WSAEALREADY: 'EALREADY',
  WSAENOTSOCK: 'ENOTSOCK',
  WSAEMSGSIZE: 'EMSGSIZE',
  WSAEPROTONOSUPPORT: 'EPROTONOSUPPORT',
  WSAESOCKTNOSUPPORT: 'ESOCKTNOSUPPORT',
  WSAEPFNOSUPPORT: 'EINVAL',
  WSAEAFNOSUPPORT: 'EAFNOSUPPORT',
  WSAEADDRINUSE: 'EADDRINUSE',
  WSAEADDRNOTAVAIL: 'EADDRNOTAVAIL',
  WSAENETUNREACH: 'ENETUNREACH',
  WSAECONNABORTED: 'ECONNABORTED',
  WSAECONNRESET: 'ECONNRESET',
  WSAENOBUFS: 'ENOBUFS',
  WSAEISCONN: 'EISCONN',
  WSAENOTCONN: 'ENOTCONN',
  WSAESHUTDOWN: 'EPIPE',
  WSAETIMEDOUT: 'ETIMEDOUT',
  WSAECONNREFUSED: 'ECONNREFUSED',
  WSAEHOSTUNREACH: 'EHOSTUNREACH',
  WSAHOST_NOT_FOUND: 'ENOENT',
  WSANO_DATA: 'ENOENT',
} as const satisfies Partial<Record<SystemErrorName, string>>;

/**
 * The words we give to codes that libuv reports as UNKNOWN. Three rules, in this order:
 * 1. the condition has a word in libuv's own list: that word (WSAEOPNOTSUPP is ENOTSUP and not EOPNOTSUPP, since libuv
 *    knows only the former, and on Linux, where both are one number, Node says ENOTSUP too);
 * 2. else the BSD word inside Microsoft's name (WSAENETRESET is ENETRESET), even where libuv has no number for it;
 * 3. else the condition exists on Windows alone (a missing WSAStartup, a broken provider): Microsoft's whole name. A
 *    borrowed word would send a program that compares words down the wrong branch, and nobody can look it up.
 */
export const OWN_WORDS = {
  // TransmitFile: the file ends before the bytes that were asked for. libuv says EOF for the other ends of something.
  ERROR_HANDLE_EOF: 'EOF',
  // The datagram or message was cut: the same news as WSAEMSGSIZE.
  ERROR_MORE_DATA: 'EMSGSIZE',
  WAIT_TIMEOUT: 'ETIMEDOUT',
  // What RtlNtStatusToDosError makes of STATUS_HANDLES_CLOSED, which see in ntstatus.ts.
  ERROR_HANDLES_CLOSED: 'ECONNABORTED',
  // GetQueuedCompletionStatusEx: the port was closed under a waiting thread. That is a bug of the closing side; the
  // handle is bad now.
  ERROR_ABANDONED_WAIT_0: 'EBADF',
  // Not failures: the operation runs. If one is reported as an error at all, this is what it means.
  ERROR_IO_INCOMPLETE: 'EINPROGRESS',
  ERROR_IO_PENDING: 'EINPROGRESS',
  // CancelIoEx: nothing to cancel.
  ERROR_NOT_FOUND: 'ENOENT',
  // The peer closed in good order, as with WSAEDISCON and with libuv's ERROR_BROKEN_PIPE. The library turns EOF into a
  // read of 0 bytes.
  ERROR_GRACEFUL_DISCONNECT: 'EOF',
  ERROR_ADDRESS_NOT_ASSOCIATED: 'EADDRNOTAVAIL',
  ERROR_CONNECTION_INVALID: 'ENOTCONN',
  ERROR_CONNECTION_ACTIVE: 'EISCONN',
  ERROR_PROTOCOL_UNREACHABLE: 'ENETUNREACH',
  // An ICMP "port unreachable" answers a connect or a send: nobody listens there (asio reads it so too).
  ERROR_PORT_UNREACHABLE: 'ECONNREFUSED',
  ERROR_REQUEST_ABORTED: 'ECANCELED',
  ERROR_RETRY: 'EAGAIN',
  ERROR_INCORRECT_ADDRESS: 'EADDRNOTAVAIL',
  ERROR_HOST_DOWN: 'EHOSTDOWN',
  ERROR_NO_SYSTEM_RESOURCES: 'ENOBUFS',
  ERROR_COMMITMENT_LIMIT: 'ENOMEM',
  ERROR_TIMEOUT: 'ETIMEDOUT',
  ERROR_NOT_ENOUGH_QUOTA: 'ENOBUFS',
  WSAEBADF: 'EBADF',
  WSAEINPROGRESS: 'EINPROGRESS',
  WSAEDESTADDRREQ: 'EDESTADDRREQ',
  WSAEPROTOTYPE: 'EPROTOTYPE',
  WSAENOPROTOOPT: 'ENOPROTOOPT',
  WSAEOPNOTSUPP: 'ENOTSUP',
  WSAENETDOWN: 'ENETDOWN',
  WSAENETRESET: 'ENETRESET',
  WSAETOOMANYREFS: 'ETOOMANYREFS',
  WSAELOOP: 'ELOOP',
  WSAENAMETOOLONG: 'ENAMETOOLONG',
  WSAEHOSTDOWN: 'EHOSTDOWN',
  WSAENOTEMPTY: 'ENOTEMPTY',
  WSAEPROCLIM: 'EPROCLIM',
  WSAEUSERS: 'EUSERS',
  WSAEDQUOT: 'EDQUOT',
  WSAESTALE: 'ESTALE',
  WSAEREMOTE: 'EREMOTE',
  // "The network subsystem is unavailable", which is what ENETDOWN says.
  WSASYSNOTREADY: 'ENETDOWN',
  WSAVERNOTSUPPORTED: 'WSAVERNOTSUPPORTED',
  WSANOTINITIALISED: 'WSANOTINITIALISED',
  // WSARecv: "the virtual circuit was gracefully closed by the remote side".
  WSAEDISCON: 'EOF',
  WSAENOMORE: 'ENODATA',
  WSAECANCELLED: 'ECANCELED',
  WSAEINVALIDPROCTABLE: 'WSAEINVALIDPROCTABLE',
  WSAEINVALIDPROVIDER: 'WSAEINVALIDPROVIDER',
  WSAEPROVIDERFAILEDINIT: 'WSAEPROVIDERFAILEDINIT',
  WSASYSCALLFAILURE: 'WSASYSCALLFAILURE',
  WSASERVICE_NOT_FOUND: 'ENOENT',
  WSATYPE_NOT_FOUND: 'EAI_SERVICE',
  WSA_E_NO_MORE: 'ENODATA',
  WSA_E_CANCELLED: 'ECANCELED',
  // node:dns uses this word for a server that refuses the query.
  WSAEREFUSED: 'EREFUSED',
  WSATRY_AGAIN: 'EAI_AGAIN',
  WSANO_RECOVERY: 'EAI_FAIL',
} as const satisfies Record<Exclude<SystemErrorName, 'ERROR_SUCCESS' | keyof typeof LIBUV_WORDS>, string>;

/**
 * Name resolution reads five codes in its own way (libuv, src/win/getaddrinfo.c); every other code keeps its word.
 * ENOTFOUND is not libuv's but Node's word for EAI_NONAME.
 */
export const ADDRESS_INFO_WORDS = {
  ERROR_NOT_ENOUGH_MEMORY: 'EAI_MEMORY',
  WSAEINVAL: 'EAI_BADFLAGS',
  WSAESOCKTNOSUPPORT: 'EAI_SOCKTYPE',
  WSAEAFNOSUPPORT: 'EAI_FAMILY',
  WSAHOST_NOT_FOUND: 'ENOTFOUND',
} as const satisfies Partial<Record<SystemErrorName, string>>;

/**
 * Messages for words that the libuv of some supported Node does not have, in libuv's style: lower case, no full stop.
 */
const OWN_MESSAGES: ReadonlyMap<string, string> = new Map([
  ['EDQUOT', 'quota exceeded'],
  ['EINPROGRESS', 'operation now in progress'],
  ['ENETRESET', 'network dropped connection on reset'],
  ['ENODATA', 'no data available'],
  ['EPROCLIM', 'too many processes use Windows Sockets'],
  ['EREFUSED', 'query refused'],
  ['EREMOTE', 'item is not available locally'],
  ['ESTALE', 'stale handle reference'],
  ['ETOOMANYREFS', 'too many references to a kernel object'],
  ['EUSERS', 'user quota exceeded'],
  ['WSAEINVALIDPROCTABLE', 'the procedure table of the socket service provider is invalid'],
  ['WSAEINVALIDPROVIDER', 'the socket service provider returned an unsupported version'],
  [
    'WSAEPROVIDERFAILEDINIT',
    'a socket service provider failed to initialize: check the Winsock catalog (netsh winsock show catalog)',
  ],
  ['WSANOTINITIALISED', 'WSAStartup has not been called, or WSACleanup was called too often'],
  ['WSASYSCALLFAILURE', 'a system call that should never fail has failed'],
  ['WSAVERNOTSUPPORTED', 'the requested Windows Sockets version is not supported'],
]);

export interface SystemErrorDescription {
  /** Microsoft's name, 'WSAECONNRESET'; 'UNKNOWN' for a number that the table does not have. */
  readonly name: string;
  /** The errno word, 'ECONNRESET'; 'UNKNOWN' for a number that the table does not have. */
  readonly code: string;
  /**
   * libuv's number for the word in this process (-4077 on Windows, -104 on Linux), or the negated system error code:
   * see `describe`.
   */
  readonly errno: number;
  readonly message: string;
}

interface LibuvError {
  readonly errno: number;
  readonly message: string;
}

const nameByCode: ReadonlyMap<number, SystemErrorName> = new Map(
  (Object.keys(SystemErrorCode) as SystemErrorName[]).map((name) => [SystemErrorCode[name], name]),
);
const wordByName: ReadonlyMap<string, string> = new Map(Object.entries({ ...LIBUV_WORDS, ...OWN_WORDS }));
const addressInfoWordByName: ReadonlyMap<string, string> = new Map(Object.entries(ADDRESS_INFO_WORDS));

// Built at the first error: a program that never meets one does not pay for it.
let libuvErrors: ReadonlyMap<string, LibuvError> | undefined;

function findLibuvError(word: string): LibuvError | undefined {
  libuvErrors ??= new Map(Array.from(getSystemErrorMap(), ([errno, [name, message]]) => [name, { errno, message }]));
  return libuvErrors.get(word);
}

/**
 * Number and text come from the libuv of this process, so that they equal what node:net reports beside us. A word that
 * libuv does not have gets the negated system error code as its number: an `errno` is then always a negative number as
 * everywhere in Node (util.getSystemErrorName throws on undefined), and it cannot be mistaken for another error. Only
 * Winsock codes (10004 and up) get that far; libuv's numbers end at -4096.
 */
function describe(code: number, name: string, word: string, libuvWord = word): SystemErrorDescription {
  const libuv = findLibuvError(libuvWord);
  return {
    name,
    code: word,
    errno: libuv?.errno ?? -code,
    message: libuv?.message ?? OWN_MESSAGES.get(word) ?? `system error ${String(code)} (${name})`,
  };
}

/** A code without a word. The number is all there is to go by, so the message carries it. */
function describeUnknown(code: number): SystemErrorDescription {
  const { errno } = describe(code, 'UNKNOWN', 'UNKNOWN');
  // Somebody asked for the error after a failed call and got 0: the number was lost on the way (a later call cleared
  // it).
  if (code === 0)
    return { name: 'ERROR_SUCCESS', code: 'UNKNOWN', errno, message: 'unknown error: no error code was set (0)' };
  return { name: 'UNKNOWN', code: 'UNKNOWN', errno, message: `unknown error ${String(code)}` };
}

/**
 * Name, word, number and text for a Win32 or Winsock error code (GetLastError, WSAGetLastError,
 * ntStatusToWinsockError). Never throws.
 */
export function describeSystemError(code: number): SystemErrorDescription {
  const name = nameByCode.get(code);
  const word = name === undefined ? undefined : wordByName.get(name);
  return name === undefined || word === undefined ? describeUnknown(code) : describe(code, name, word);
}

/** The same for a code that GetAddrInfoW or GetAddrInfoExW returned. */
export function describeAddressInfoError(code: number): SystemErrorDescription {
  const name = nameByCode.get(code);
  const word = name === undefined ? undefined : addressInfoWordByName.get(name);
  if (name === undefined || word === undefined) return describeSystemError(code);
  return describe(code, name, word, word === 'ENOTFOUND' ? 'EAI_NONAME' : word);
}
