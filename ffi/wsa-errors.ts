/**
 * The numbers of Win32 and Winsock errors, under Microsoft's names, and their words in Node.
 *
 * learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2 and
 * learn.microsoft.com/windows/win32/debug/system-error-codes. Where one number has two names (WSA_INVALID_HANDLE =
 * ERROR_INVALID_HANDLE, WSA_NOT_ENOUGH_MEMORY, WSA_INVALID_PARAMETER, WSA_OPERATION_ABORTED, WSA_IO_INCOMPLETE,
 * WSA_IO_PENDING, WSANO_ADDRESS) the table has one, so that a number has one name. The QoS codes 11005-11031 are left
 * out: no call of ours can return them.
 *
 * Beside each its word, as Node reports it, which is libuv's translation row by row (libuv v1.x, src/win/error.c,
 * uv_translate_sys_error). Some look odd and stay, because a program written for node:net compares against them: WSAEPFNOSUPPORT
 * is EINVAL, WSAESHUTDOWN is EPIPE, WSAEINTR is ECANCELED, ERROR_ACCESS_DENIED is EPERM while WSAEACCES is EACCES.
 *
 * OWN: the word is ours, libuv reports UNKNOWN. Three rules, in this order:
 * 1. the condition has a word in libuv's own list: that word (WSAEOPNOTSUPP is ENOTSUP and not EOPNOTSUPP, since libuv
 *    knows only the former, and on Linux, where both are one number, Node says ENOTSUP too);
 * 2. else the BSD word inside Microsoft's name (WSAENETRESET is ENETRESET), even where libuv has no number for it;
 * 3. else the condition exists on Windows alone (a missing WSAStartup, a broken provider): Microsoft's whole name. A
 *    borrowed word would send a program that compares words down the wrong branch, and nobody can look it up.
 */
const OWN = true;
const ROWS = {
  ERROR_SUCCESS: [0, null],

  // Win32
  ERROR_TOO_MANY_OPEN_FILES: [4, 'EMFILE'],
  ERROR_ACCESS_DENIED: [5, 'EPERM'],
  ERROR_INVALID_HANDLE: [6, 'EBADF'],
  ERROR_NOT_ENOUGH_MEMORY: [8, 'ENOMEM'],
  ERROR_INVALID_DATA: [13, 'EINVAL'],
  ERROR_OUTOFMEMORY: [14, 'ENOMEM'],
  ERROR_GEN_FAILURE: [31, 'EIO'],
  // TransmitFile: the file ends before the bytes that were asked for. libuv says EOF for the other ends of something.
  ERROR_HANDLE_EOF: [38, 'EOF', OWN],
  ERROR_NOT_SUPPORTED: [50, 'ENOTSUP'],
  ERROR_NETNAME_DELETED: [64, 'ECONNRESET'],
  ERROR_INVALID_PARAMETER: [87, 'EINVAL'],
  ERROR_BROKEN_PIPE: [109, 'EOF'],
  ERROR_BUFFER_OVERFLOW: [111, 'ENAMETOOLONG'],
  ERROR_SEM_TIMEOUT: [121, 'ETIMEDOUT'],
  ERROR_INSUFFICIENT_BUFFER: [122, 'EINVAL'],
  ERROR_BAD_PIPE: [230, 'EPIPE'],
  ERROR_NO_DATA: [232, 'EAGAIN'],
  ERROR_PIPE_NOT_CONNECTED: [233, 'EPIPE'],
  // The datagram or message was cut: the same news as WSAEMSGSIZE.
  ERROR_MORE_DATA: [234, 'EMSGSIZE', OWN],
  WAIT_TIMEOUT: [258, 'ETIMEDOUT', OWN],
  // What RtlNtStatusToDosError makes of STATUS_HANDLES_CLOSED, which see in ntstatus.ts.
  ERROR_HANDLES_CLOSED: [676, 'ECONNABORTED', OWN],
  // GetQueuedCompletionStatusEx: the port was closed under a waiting thread. That is a bug of the closing side; the
  // handle is bad now.
  ERROR_ABANDONED_WAIT_0: [735, 'EBADF', OWN],
  ERROR_OPERATION_ABORTED: [995, 'ECANCELED'],
  // Not failures: the operation runs. If one is reported as an error at all, this is what it means.
  ERROR_IO_INCOMPLETE: [996, 'EINPROGRESS', OWN],
  ERROR_IO_PENDING: [997, 'EINPROGRESS', OWN],
  ERROR_NOACCESS: [998, 'EFAULT'],
  ERROR_INVALID_FLAGS: [1004, 'EBADF'],
  ERROR_IO_DEVICE: [1117, 'EIO'],
  // CancelIoEx: nothing to cancel.
  ERROR_NOT_FOUND: [1168, 'ENOENT', OWN],
  ERROR_CONNECTION_REFUSED: [1225, 'ECONNREFUSED'],
  // The peer closed in good order, as with WSAEDISCON and with libuv's ERROR_BROKEN_PIPE. The library turns EOF into a
  // read of 0 bytes.
  ERROR_GRACEFUL_DISCONNECT: [1226, 'EOF', OWN],
  ERROR_ADDRESS_ALREADY_ASSOCIATED: [1227, 'EADDRINUSE'],
  ERROR_ADDRESS_NOT_ASSOCIATED: [1228, 'EADDRNOTAVAIL', OWN],
  ERROR_CONNECTION_INVALID: [1229, 'ENOTCONN', OWN],
  ERROR_CONNECTION_ACTIVE: [1230, 'EISCONN', OWN],
  ERROR_NETWORK_UNREACHABLE: [1231, 'ENETUNREACH'],
  ERROR_HOST_UNREACHABLE: [1232, 'EHOSTUNREACH'],
  ERROR_PROTOCOL_UNREACHABLE: [1233, 'ENETUNREACH', OWN],
  // An ICMP "port unreachable" answers a connect or a send: nobody listens there (asio reads it so too).
  ERROR_PORT_UNREACHABLE: [1234, 'ECONNREFUSED', OWN],
  ERROR_REQUEST_ABORTED: [1235, 'ECANCELED', OWN],
  ERROR_CONNECTION_ABORTED: [1236, 'ECONNABORTED'],
  ERROR_RETRY: [1237, 'EAGAIN', OWN],
  ERROR_INCORRECT_ADDRESS: [1241, 'EADDRNOTAVAIL', OWN],
  ERROR_HOST_DOWN: [1256, 'EHOSTDOWN', OWN],
  ERROR_NO_SYSTEM_RESOURCES: [1450, 'ENOBUFS', OWN],
  ERROR_COMMITMENT_LIMIT: [1455, 'ENOMEM', OWN],
  ERROR_TIMEOUT: [1460, 'ETIMEDOUT', OWN],
  ERROR_NOT_ENOUGH_QUOTA: [1816, 'ENOBUFS', OWN],
  ERROR_NOT_CONNECTED: [2250, 'ENOTCONN'],

  // Winsock
  WSAEINTR: [10004, 'ECANCELED'],
  WSAEBADF: [10009, 'EBADF', OWN],
  WSAEACCES: [10013, 'EACCES'],
  WSAEFAULT: [10014, 'EFAULT'],
  WSAEINVAL: [10022, 'EINVAL'],
  WSAEMFILE: [10024, 'EMFILE'],
  WSAEWOULDBLOCK: [10035, 'EAGAIN'],
  WSAEINPROGRESS: [10036, 'EINPROGRESS', OWN],
  WSAEALREADY: [10037, 'EALREADY'],
  WSAENOTSOCK: [10038, 'ENOTSOCK'],
  WSAEDESTADDRREQ: [10039, 'EDESTADDRREQ', OWN],
  WSAEMSGSIZE: [10040, 'EMSGSIZE'],
  WSAEPROTOTYPE: [10041, 'EPROTOTYPE', OWN],
  WSAENOPROTOOPT: [10042, 'ENOPROTOOPT', OWN],
  WSAEPROTONOSUPPORT: [10043, 'EPROTONOSUPPORT'],
  WSAESOCKTNOSUPPORT: [10044, 'ESOCKTNOSUPPORT'],
  WSAEOPNOTSUPP: [10045, 'ENOTSUP', OWN],
  WSAEPFNOSUPPORT: [10046, 'EINVAL'],
  WSAEAFNOSUPPORT: [10047, 'EAFNOSUPPORT'],
  WSAEADDRINUSE: [10048, 'EADDRINUSE'],
  WSAEADDRNOTAVAIL: [10049, 'EADDRNOTAVAIL'],
  WSAENETDOWN: [10050, 'ENETDOWN', OWN],
  WSAENETUNREACH: [10051, 'ENETUNREACH'],
  WSAENETRESET: [10052, 'ENETRESET', OWN],
  WSAECONNABORTED: [10053, 'ECONNABORTED'],
  WSAECONNRESET: [10054, 'ECONNRESET'],
  WSAENOBUFS: [10055, 'ENOBUFS'],
  WSAEISCONN: [10056, 'EISCONN'],
  WSAENOTCONN: [10057, 'ENOTCONN'],
  WSAESHUTDOWN: [10058, 'EPIPE'],
  WSAETOOMANYREFS: [10059, 'ETOOMANYREFS', OWN],
  WSAETIMEDOUT: [10060, 'ETIMEDOUT'],
  WSAECONNREFUSED: [10061, 'ECONNREFUSED'],
  WSAELOOP: [10062, 'ELOOP', OWN],
  WSAENAMETOOLONG: [10063, 'ENAMETOOLONG', OWN],
  WSAEHOSTDOWN: [10064, 'EHOSTDOWN', OWN],
  WSAEHOSTUNREACH: [10065, 'EHOSTUNREACH'],
  WSAENOTEMPTY: [10066, 'ENOTEMPTY', OWN],
  WSAEPROCLIM: [10067, 'EPROCLIM', OWN],
  WSAEUSERS: [10068, 'EUSERS', OWN],
  WSAEDQUOT: [10069, 'EDQUOT', OWN],
  WSAESTALE: [10070, 'ESTALE', OWN],
  WSAEREMOTE: [10071, 'EREMOTE', OWN],
  // "The network subsystem is unavailable", which is what ENETDOWN says.
  WSASYSNOTREADY: [10091, 'ENETDOWN', OWN],
  WSAVERNOTSUPPORTED: [10092, 'WSAVERNOTSUPPORTED', OWN],
  WSANOTINITIALISED: [10093, 'WSANOTINITIALISED', OWN],
  // WSARecv: "the virtual circuit was gracefully closed by the remote side".
  WSAEDISCON: [10101, 'EOF', OWN],
  WSAENOMORE: [10102, 'ENODATA', OWN],
  WSAECANCELLED: [10103, 'ECANCELED', OWN],
  WSAEINVALIDPROCTABLE: [10104, 'WSAEINVALIDPROCTABLE', OWN],
  WSAEINVALIDPROVIDER: [10105, 'WSAEINVALIDPROVIDER', OWN],
  WSAEPROVIDERFAILEDINIT: [10106, 'WSAEPROVIDERFAILEDINIT', OWN],
  WSASYSCALLFAILURE: [10107, 'WSASYSCALLFAILURE', OWN],
  WSASERVICE_NOT_FOUND: [10108, 'ENOENT', OWN],
  WSATYPE_NOT_FOUND: [10109, 'EAI_SERVICE', OWN],
  WSA_E_NO_MORE: [10110, 'ENODATA', OWN],
  WSA_E_CANCELLED: [10111, 'ECANCELED', OWN],
  // node:dns uses this word for a server that refuses the query.
  WSAEREFUSED: [10112, 'EREFUSED', OWN],
  WSAHOST_NOT_FOUND: [11001, 'ENOENT'],
  WSATRY_AGAIN: [11002, 'EAI_AGAIN', OWN],
  WSANO_RECOVERY: [11003, 'EAI_FAIL', OWN],
  WSANO_DATA: [11004, 'ENOENT'],
} as const satisfies Record<string, readonly [code: number, word: string | null, own?: typeof OWN]>;

type Rows = typeof ROWS;
export type SystemErrorName = keyof Rows;

export const SystemErrorCode = Object.fromEntries(Object.entries(ROWS).map(([name, [code]]) => [name, code])) as {
  readonly [Name in SystemErrorName]: Rows[Name][0];
};

/** The words that libuv gives. */
export const LIBUV_WORDS = words(false);
/** Those that we give. */
export const OWN_WORDS = words(true);

function words(own: boolean): Readonly<Record<string, string>> {
  const rows = Object.entries<readonly [number, string | null, true?]>(ROWS);
  return Object.fromEntries(
    rows.flatMap(([name, [, word, isOwn]]) => (word !== null && (isOwn === OWN) === own ? [[name, word]] : [])),
  );
}

// Those that code needs by name: `import { WSAECONNRESET } from …`.
// prettier-ignore
export const {
  ERROR_TOO_MANY_OPEN_FILES, ERROR_ACCESS_DENIED, ERROR_INVALID_HANDLE, ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY,
  ERROR_NOT_SUPPORTED, ERROR_NETNAME_DELETED, ERROR_INVALID_PARAMETER, ERROR_SEM_TIMEOUT, WAIT_TIMEOUT,
  ERROR_ABANDONED_WAIT_0, ERROR_OPERATION_ABORTED, ERROR_IO_PENDING, ERROR_IO_DEVICE, ERROR_NOT_FOUND, ERROR_CONNECTION_REFUSED,
  ERROR_NETWORK_UNREACHABLE, ERROR_HOST_UNREACHABLE, ERROR_PORT_UNREACHABLE, ERROR_CONNECTION_ABORTED,
  ERROR_NO_SYSTEM_RESOURCES, WSAEINTR, WSAEACCES, WSAEFAULT, WSAEINVAL, WSAEMFILE, WSAEWOULDBLOCK, WSAEALREADY,
  WSAENOTSOCK, WSAEDESTADDRREQ, WSAEMSGSIZE, WSAENOPROTOOPT, WSAEOPNOTSUPP, WSAEAFNOSUPPORT, WSAEADDRINUSE,
  WSAEADDRNOTAVAIL, WSAENETDOWN, WSAENETUNREACH, WSAENETRESET, WSAECONNABORTED, WSAECONNRESET, WSAENOBUFS, WSAEISCONN,
  WSAENOTCONN, WSAESHUTDOWN, WSAETIMEDOUT, WSAECONNREFUSED, WSAEHOSTDOWN, WSAEHOSTUNREACH,
} = SystemErrorCode;
