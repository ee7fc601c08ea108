/**
 * What a Win32 or Winsock error number is called, and the errno word a Node program expects for it.
 *
 * Numbers: learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2 and
 * learn.microsoft.com/windows/win32/debug/system-error-codes. Names are Microsoft's, verbatim. Where one number has two
 * names (WSA_INVALID_HANDLE = ERROR_INVALID_HANDLE, WSA_NOT_ENOUGH_MEMORY, WSA_INVALID_PARAMETER,
 * WSA_OPERATION_ABORTED, WSA_IO_INCOMPLETE, WSA_IO_PENDING, WSANO_ADDRESS) the table has one, so that a number has one
 * name. The QoS codes 11005-11031 are left out: no call of ours can return them.
 *
 * Nothing here depends on the operation. That a read says ECONNRESET where a write says ECANCELED is the driver's
 * decision (docs/errors.md).
 */
import { getSystemErrorMap } from 'node:util';

export const SystemErrorCode = {
  ERROR_SUCCESS: 0,

  // Win32
  ERROR_TOO_MANY_OPEN_FILES: 4,
  ERROR_ACCESS_DENIED: 5,
  ERROR_INVALID_HANDLE: 6,
  ERROR_NOT_ENOUGH_MEMORY: 8,
  ERROR_INVALID_DATA: 13,
  ERROR_OUTOFMEMORY: 14,
  ERROR_GEN_FAILURE: 31,
  ERROR_HANDLE_EOF: 38,
  ERROR_NOT_SUPPORTED: 50,
  ERROR_NETNAME_DELETED: 64,
  ERROR_INVALID_PARAMETER: 87,
  ERROR_BROKEN_PIPE: 109,
  ERROR_BUFFER_OVERFLOW: 111,
  ERROR_SEM_TIMEOUT: 121,
  ERROR_INSUFFICIENT_BUFFER: 122,
  ERROR_BAD_PIPE: 230,
  ERROR_NO_DATA: 232,
  ERROR_PIPE_NOT_CONNECTED: 233,
  ERROR_MORE_DATA: 234,
  WAIT_TIMEOUT: 258,
  ERROR_HANDLES_CLOSED: 676,
  ERROR_ABANDONED_WAIT_0: 735,
  ERROR_OPERATION_ABORTED: 995,
  ERROR_IO_INCOMPLETE: 996,
  ERROR_IO_PENDING: 997,
  ERROR_NOACCESS: 998,
  ERROR_INVALID_FLAGS: 1004,
  ERROR_IO_DEVICE: 1117,
  ERROR_NOT_FOUND: 1168,
  ERROR_CONNECTION_REFUSED: 1225,
  ERROR_GRACEFUL_DISCONNECT: 1226,
  ERROR_ADDRESS_ALREADY_ASSOCIATED: 1227,
  ERROR_ADDRESS_NOT_ASSOCIATED: 1228,
  ERROR_CONNECTION_INVALID: 1229,
  ERROR_CONNECTION_ACTIVE: 1230,
  ERROR_NETWORK_UNREACHABLE: 1231,
  ERROR_HOST_UNREACHABLE: 1232,
  ERROR_PROTOCOL_UNREACHABLE: 1233,
  ERROR_PORT_UNREACHABLE: 1234,
  ERROR_REQUEST_ABORTED: 1235,
  ERROR_CONNECTION_ABORTED: 1236,
  ERROR_RETRY: 1237,
  ERROR_INCORRECT_ADDRESS: 1241,
  ERROR_HOST_DOWN: 1256,
  ERROR_NO_SYSTEM_RESOURCES: 1450,
  ERROR_COMMITMENT_LIMIT: 1455,
  ERROR_TIMEOUT: 1460,
  ERROR_NOT_ENOUGH_QUOTA: 1816,
  ERROR_NOT_CONNECTED: 2250,

  // Winsock
  WSAEINTR: 10004,
  WSAEBADF: 10009,
  WSAEACCES: 10013,
  WSAEFAULT: 10014,
  WSAEINVAL: 10022,
  WSAEMFILE: 10024,
  WSAEWOULDBLOCK: 10035,
  WSAEINPROGRESS: 10036,
  WSAEALREADY: 10037,
  WSAENOTSOCK: 10038,
  WSAEDESTADDRREQ: 10039,
  WSAEMSGSIZE: 10040,
  WSAEPROTOTYPE: 10041,
  WSAENOPROTOOPT: 10042,
  WSAEPROTONOSUPPORT: 10043,
  WSAESOCKTNOSUPPORT: 10044,
  WSAEOPNOTSUPP: 10045,
  WSAEPFNOSUPPORT: 10046,
  WSAEAFNOSUPPORT: 10047,
  WSAEADDRINUSE: 10048,
  WSAEADDRNOTAVAIL: 10049,
  WSAENETDOWN: 10050,
  WSAENETUNREACH: 10051,
  WSAENETRESET: 10052,
  WSAECONNABORTED: 10053,
  WSAECONNRESET: 10054,
  WSAENOBUFS: 10055,
  WSAEISCONN: 10056,
  WSAENOTCONN: 10057,
  WSAESHUTDOWN: 10058,
  WSAETOOMANYREFS: 10059,
  WSAETIMEDOUT: 10060,
  WSAECONNREFUSED: 10061,
  WSAELOOP: 10062,
  WSAENAMETOOLONG: 10063,
  WSAEHOSTDOWN: 10064,
  WSAEHOSTUNREACH: 10065,
  WSAENOTEMPTY: 10066,
  WSAEPROCLIM: 10067,
  WSAEUSERS: 10068,
  WSAEDQUOT: 10069,
  WSAESTALE: 10070,
  WSAEREMOTE: 10071,
  WSASYSNOTREADY: 10091,
  WSAVERNOTSUPPORTED: 10092,
  WSANOTINITIALISED: 10093,
  WSAEDISCON: 10101,
  WSAENOMORE: 10102,
  WSAECANCELLED: 10103,
  WSAEINVALIDPROCTABLE: 10104,
  WSAEINVALIDPROVIDER: 10105,
  WSAEPROVIDERFAILEDINIT: 10106,
  WSASYSCALLFAILURE: 10107,
  WSASERVICE_NOT_FOUND: 10108,
  WSATYPE_NOT_FOUND: 10109,
  WSA_E_NO_MORE: 10110,
  WSA_E_CANCELLED: 10111,
  WSAEREFUSED: 10112,
  WSAHOST_NOT_FOUND: 11001,
  WSATRY_AGAIN: 11002,
  WSANO_RECOVERY: 11003,
  WSANO_DATA: 11004,
} as const;

// The same as names of their own, for code that needs one or two: `import { WSAECONNRESET } from …`.
// prettier-ignore
export const {
  ERROR_SUCCESS, ERROR_TOO_MANY_OPEN_FILES, ERROR_ACCESS_DENIED, ERROR_INVALID_HANDLE, ERROR_NOT_ENOUGH_MEMORY,
  ERROR_INVALID_DATA, ERROR_OUTOFMEMORY, ERROR_GEN_FAILURE, ERROR_HANDLE_EOF, ERROR_NOT_SUPPORTED, ERROR_NETNAME_DELETED,
  ERROR_INVALID_PARAMETER, ERROR_BROKEN_PIPE, ERROR_BUFFER_OVERFLOW, ERROR_SEM_TIMEOUT, ERROR_INSUFFICIENT_BUFFER,
  ERROR_BAD_PIPE, ERROR_NO_DATA, ERROR_PIPE_NOT_CONNECTED, ERROR_MORE_DATA, WAIT_TIMEOUT, ERROR_HANDLES_CLOSED,
  ERROR_ABANDONED_WAIT_0, ERROR_OPERATION_ABORTED, ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_NOACCESS,
  ERROR_INVALID_FLAGS, ERROR_IO_DEVICE, ERROR_NOT_FOUND, ERROR_CONNECTION_REFUSED, ERROR_GRACEFUL_DISCONNECT,
  ERROR_ADDRESS_ALREADY_ASSOCIATED, ERROR_ADDRESS_NOT_ASSOCIATED, ERROR_CONNECTION_INVALID, ERROR_CONNECTION_ACTIVE,
  ERROR_NETWORK_UNREACHABLE, ERROR_HOST_UNREACHABLE, ERROR_PROTOCOL_UNREACHABLE, ERROR_PORT_UNREACHABLE,
  ERROR_REQUEST_ABORTED, ERROR_CONNECTION_ABORTED, ERROR_RETRY, ERROR_INCORRECT_ADDRESS, ERROR_HOST_DOWN,
  ERROR_NO_SYSTEM_RESOURCES, ERROR_COMMITMENT_LIMIT, ERROR_TIMEOUT, ERROR_NOT_ENOUGH_QUOTA, ERROR_NOT_CONNECTED,
  WSAEINTR, WSAEBADF, WSAEACCES, WSAEFAULT, WSAEINVAL, WSAEMFILE, WSAEWOULDBLOCK, WSAEINPROGRESS, WSAEALREADY,
  WSAENOTSOCK, WSAEDESTADDRREQ, WSAEMSGSIZE, WSAEPROTOTYPE, WSAENOPROTOOPT, WSAEPROTONOSUPPORT, WSAESOCKTNOSUPPORT,
  WSAEOPNOTSUPP, WSAEPFNOSUPPORT, WSAEAFNOSUPPORT, WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAENETDOWN, WSAENETUNREACH,
  WSAENETRESET, WSAECONNABORTED, WSAECONNRESET, WSAENOBUFS, WSAEISCONN, WSAENOTCONN, WSAESHUTDOWN, WSAETOOMANYREFS,
  WSAETIMEDOUT, WSAECONNREFUSED, WSAELOOP, WSAENAMETOOLONG, WSAEHOSTDOWN, WSAEHOSTUNREACH, WSAENOTEMPTY, WSAEPROCLIM,
  WSAEUSERS, WSAEDQUOT, WSAESTALE, WSAEREMOTE, WSASYSNOTREADY, WSAVERNOTSUPPORTED, WSANOTINITIALISED, WSAEDISCON,
  WSAENOMORE, WSAECANCELLED, WSAEINVALIDPROCTABLE, WSAEINVALIDPROVIDER, WSAEPROVIDERFAILEDINIT, WSASYSCALLFAILURE,
  WSASERVICE_NOT_FOUND, WSATYPE_NOT_FOUND, WSA_E_NO_MORE, WSA_E_CANCELLED, WSAEREFUSED, WSAHOST_NOT_FOUND,
  WSATRY_AGAIN, WSANO_RECOVERY, WSANO_DATA,
} = SystemErrorCode;

export type SystemErrorName = keyof typeof SystemErrorCode;

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
  // The peer closed in good order, as with WSAEDISCON and with libuv's ERROR_BROKEN_PIPE. The driver turns EOF into a
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
