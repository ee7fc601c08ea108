/**
 * NTSTATUS to Winsock error. A completion packet carries no error code: the result is the NTSTATUS in
 * OVERLAPPED.Internal (its low 32 bits; the field is pointer-sized). WSAGetOverlappedResult would translate it, at the
 * price of one call per completion; this table costs none.
 *
 * Values: learn.microsoft.com/openspecs/windows_protocols/ms-erref, "NTSTATUS Values". The translation is that of libuv
 * v1.x (src/win/winsock.c, uv__ntstatus_to_winsock_error), the longest-proven one, with the exceptions that carry a
 * comment.
 */
import { SystemErrorCode as wsa } from './wsa-errors.ts';

/** Of each status its value, unsigned as the headers write it (`status >>> 0` gives that), and the Winsock or Win32 error. */
const ROWS = {
  STATUS_SUCCESS: [0x00000000, wsa.ERROR_SUCCESS],
  STATUS_TIMEOUT: [0x00000102, wsa.WSAETIMEDOUT],
  // Not an outcome. In a dequeued packet it would mean that we read the wrong memory; the library must not treat it as
  // success.
  STATUS_PENDING: [0x00000103, wsa.ERROR_IO_PENDING],
  // Successes: bytes were received, and the rest of the message (PARTIAL) or urgent data (EXPEDITED) is what the name
  // adds.
  STATUS_RECEIVE_PARTIAL: [0x4000000f, wsa.ERROR_SUCCESS],
  STATUS_RECEIVE_EXPEDITED: [0x40000010, wsa.ERROR_SUCCESS],
  STATUS_RECEIVE_PARTIAL_EXPEDITED: [0x40000011, wsa.ERROR_SUCCESS],
  // A warning and not an error: the datagram was cut, what fitted is in the buffer and the byte count is right.
  STATUS_BUFFER_OVERFLOW: [0x80000005, wsa.WSAEMSGSIZE],
  // Wine completes a receive so when its socket is closed; Windows gives STATUS_CONNECTION_ABORTED for the same event,
  // hence the same answer.
  STATUS_HANDLES_CLOSED: [0x8000000a, wsa.WSAECONNABORTED],
  STATUS_NOT_IMPLEMENTED: [0xc0000002, wsa.WSAEOPNOTSUPP],
  STATUS_ACCESS_VIOLATION: [0xc0000005, wsa.WSAEFAULT],
  STATUS_PAGEFILE_QUOTA: [0xc0000007, wsa.WSAENOBUFS],
  STATUS_INVALID_HANDLE: [0xc0000008, wsa.WSAENOTSOCK],
  STATUS_NO_SUCH_DEVICE: [0xc000000e, wsa.WSAENETDOWN],
  STATUS_NO_SUCH_FILE: [0xc000000f, wsa.WSAENETDOWN],
  // Not in libuv. What TransmitFile meets in a file that has become shorter.
  STATUS_END_OF_FILE: [0xc0000011, wsa.ERROR_HANDLE_EOF],
  STATUS_NO_MEMORY: [0xc0000017, wsa.WSAENOBUFS],
  // Wine's ws2_32 says WSAENOBUFS, which is modelled on WSAGetOverlappedResult; libuv's answer names the cause.
  STATUS_CONFLICTING_ADDRESSES: [0xc0000018, wsa.WSAEADDRNOTAVAIL],
  STATUS_ACCESS_DENIED: [0xc0000022, wsa.WSAEACCES],
  STATUS_BUFFER_TOO_SMALL: [0xc0000023, wsa.WSAEFAULT],
  STATUS_OBJECT_TYPE_MISMATCH: [0xc0000024, wsa.WSAENOTSOCK],
  STATUS_OBJECT_NAME_NOT_FOUND: [0xc0000034, wsa.WSAENETDOWN],
  STATUS_OBJECT_PATH_NOT_FOUND: [0xc000003a, wsa.WSAENETDOWN],
  STATUS_SHARING_VIOLATION: [0xc0000043, wsa.WSAEADDRINUSE],
  STATUS_QUOTA_EXCEEDED: [0xc0000044, wsa.WSAENOBUFS],
  STATUS_TOO_MANY_PAGING_FILES: [0xc0000097, wsa.WSAENOBUFS],
  STATUS_INSUFFICIENT_RESOURCES: [0xc000009a, wsa.WSAENOBUFS],
  STATUS_WORKING_SET_QUOTA: [0xc00000a1, wsa.WSAENOBUFS],
  STATUS_DEVICE_NOT_READY: [0xc00000a3, wsa.WSAEWOULDBLOCK],
  STATUS_PIPE_DISCONNECTED: [0xc00000b0, wsa.WSAESHUTDOWN],
  STATUS_IO_TIMEOUT: [0xc00000b5, wsa.WSAETIMEDOUT],
  STATUS_NOT_SUPPORTED: [0xc00000bb, wsa.WSAEOPNOTSUPP],
  STATUS_REMOTE_NOT_LISTENING: [0xc00000bc, wsa.WSAECONNREFUSED],
  STATUS_BAD_NETWORK_PATH: [0xc00000be, wsa.WSAENETUNREACH],
  STATUS_NETWORK_BUSY: [0xc00000bf, wsa.WSAENETDOWN],
  STATUS_INVALID_NETWORK_RESPONSE: [0xc00000c3, wsa.WSAENETDOWN],
  STATUS_UNEXPECTED_NETWORK_ERROR: [0xc00000c4, wsa.WSAENETDOWN],
  STATUS_REQUEST_NOT_ACCEPTED: [0xc00000d0, wsa.WSAEWOULDBLOCK],
  // Not in libuv. Wine completes AcceptEx so at its file limit, in the moment when WSASocketW fails with WSAEMFILE: one
  // condition, one word, and the acceptor knows to back off.
  STATUS_TOO_MANY_OPENED_FILES: [0xc000011f, wsa.WSAEMFILE],
  // libuv says WSAEINTR. Microsoft documents ERROR_OPERATION_ABORTED
  // (learn.microsoft.com/windows/win32/fileio/cancelioex-func), and that is what WSAGetOverlappedResult gives; WSAEINTR
  // belongs to WSACancelBlockingCall. The word is ECANCELED either way.
  STATUS_CANCELLED: [0xc0000120, wsa.ERROR_OPERATION_ABORTED],
  STATUS_COMMITMENT_LIMIT: [0xc000012d, wsa.WSAENOBUFS],
  STATUS_LOCAL_DISCONNECT: [0xc000013b, wsa.WSAECONNABORTED],
  STATUS_REMOTE_DISCONNECT: [0xc000013c, wsa.WSAECONNRESET],
  STATUS_REMOTE_RESOURCES: [0xc000013d, wsa.WSAENOBUFS],
  STATUS_LINK_FAILED: [0xc000013e, wsa.WSAECONNRESET],
  STATUS_LINK_TIMEOUT: [0xc000013f, wsa.WSAETIMEDOUT],
  STATUS_INVALID_CONNECTION: [0xc0000140, wsa.WSAENOTCONN],
  STATUS_INVALID_ADDRESS: [0xc0000141, wsa.WSAEADDRNOTAVAIL],
  STATUS_INVALID_BUFFER_SIZE: [0xc0000206, wsa.WSAEMSGSIZE],
  STATUS_INVALID_ADDRESS_COMPONENT: [0xc0000207, wsa.WSAEADDRNOTAVAIL],
  // As with STATUS_CONFLICTING_ADDRESSES: Wine says WSAENOBUFS.
  STATUS_TOO_MANY_ADDRESSES: [0xc0000209, wsa.WSAEADDRINUSE],
  STATUS_ADDRESS_ALREADY_EXISTS: [0xc000020a, wsa.WSAEADDRINUSE],
  STATUS_CONNECTION_DISCONNECTED: [0xc000020c, wsa.WSAECONNRESET],
  STATUS_CONNECTION_RESET: [0xc000020d, wsa.WSAECONNRESET],
  STATUS_TRANSACTION_ABORTED: [0xc000020f, wsa.WSAECONNABORTED],
  STATUS_CONNECTION_REFUSED: [0xc0000236, wsa.WSAECONNREFUSED],
  STATUS_GRACEFUL_DISCONNECT: [0xc0000237, wsa.WSAEDISCON],
  // Not in libuv, where it would be WSAEINVAL; Wine's ws2_32 has it. So with MISALIGNMENT_ERROR and HOST_DOWN below.
  STATUS_CONNECTION_ACTIVE: [0xc000023b, wsa.WSAEISCONN],
  STATUS_NETWORK_UNREACHABLE: [0xc000023c, wsa.WSAENETUNREACH],
  STATUS_HOST_UNREACHABLE: [0xc000023d, wsa.WSAEHOSTUNREACH],
  STATUS_PROTOCOL_UNREACHABLE: [0xc000023e, wsa.WSAENETUNREACH],
  STATUS_PORT_UNREACHABLE: [0xc000023f, wsa.WSAECONNRESET],
  STATUS_REQUEST_ABORTED: [0xc0000240, wsa.WSAEINTR],
  STATUS_CONNECTION_ABORTED: [0xc0000241, wsa.WSAECONNABORTED],
  STATUS_DATATYPE_MISALIGNMENT_ERROR: [0xc00002c5, wsa.WSAEFAULT],
  STATUS_HOST_DOWN: [0xc0000350, wsa.WSAEHOSTDOWN],
  STATUS_HOPLIMIT_EXCEEDED: [0xc000a012, wsa.WSAECONNRESET],
} as const;

type Rows = typeof ROWS;
export type NtStatusName = keyof Rows;

function column<Index extends 0 | 1>(index: Index) {
  const values = Object.entries(ROWS).map(([name, row]) => [name, row[index]]);
  return Object.fromEntries(values) as { readonly [Name in NtStatusName]: Rows[Name][Index] };
}

export const NtStatus = column(0);
export const WINSOCK_ERROR_BY_NTSTATUS = column(1);

// Those that code needs by name: `import { STATUS_CANCELLED } from …`.
// prettier-ignore
export const {
  STATUS_SUCCESS, STATUS_PENDING, STATUS_BUFFER_OVERFLOW, STATUS_HANDLES_CLOSED, STATUS_END_OF_FILE,
  STATUS_INSUFFICIENT_RESOURCES, STATUS_IO_TIMEOUT, STATUS_TOO_MANY_OPENED_FILES, STATUS_CANCELLED,
  STATUS_INVALID_CONNECTION, STATUS_CONNECTION_RESET, STATUS_CONNECTION_REFUSED, STATUS_NETWORK_UNREACHABLE,
  STATUS_HOST_UNREACHABLE, STATUS_PORT_UNREACHABLE, STATUS_CONNECTION_ABORTED,
} = NtStatus;

// Keyed by the signed value: a signed 32-bit number is a small integer to V8, an unsigned one above 2^31 is a heap
// number that each lookup would have to allocate.
const errorBySignedStatus: ReadonlyMap<number, number> = new Map(
  Object.values(ROWS).map(([status, error]) => [status | 0, error]),
);

// 0x8007nnnn and 0xc007nnnn: severity warning or error, not customer-defined, facility FACILITY_NTWIN32 (7). The low 16
// bits are a Win32 code.
const NTWIN32_MASK = 0xafff0000 | 0;
const NTWIN32_FAILURE = 0x80070000 | 0;

/**
 * The Winsock (or Win32) error code for a completion status, 0 for success. Takes the status signed or unsigned.
 *
 * A status that is in no table: one whose severity is success or informational (NT_SUCCESS: the top bit is clear) is
 * success, since the transfer happened and calling it an error would drop data that has arrived; an NTWIN32 one
 * contains its Win32 code; the rest is WSAEINVAL, as in libuv and in Wine's WSAGetOverlappedResult.
 */
export function ntStatusToWinsockError(status: number): number {
  if (status === 0) return wsa.ERROR_SUCCESS;
  const signed = status | 0;
  const known = errorBySignedStatus.get(signed);
  if (known !== undefined) return known;
  if (signed >= 0) return wsa.ERROR_SUCCESS;
  const win32Code = signed & 0xffff;
  // A failure with the code 0 inside must not come out as success.
  if ((signed & NTWIN32_MASK) === NTWIN32_FAILURE && win32Code !== 0) return win32Code;
  return wsa.WSAEINVAL;
}
