/**
 * NTSTATUS to Winsock error. A completion packet carries no error code: the result is the NTSTATUS in
 * OVERLAPPED.Internal (its low 32 bits; the field is pointer-sized). WSAGetOverlappedResult would translate it, at the
 * price of one call per completion; this table costs none.
 *
 * Values: learn.microsoft.com/openspecs/windows_protocols/ms-erref, "NTSTATUS Values". The translation is that of libuv
 * v1.x (src/win/winsock.c, uv__ntstatus_to_winsock_error), the longest-proven one, with the exceptions that carry a
 * comment.
 */
import { SystemErrorCode } from './wsa-errors.ts';

/** Unsigned, as the headers write them. `status >>> 0` brings a signed one into this form. */
export const NtStatus = {
  STATUS_SUCCESS: 0x00000000,
  STATUS_TIMEOUT: 0x00000102,
  STATUS_PENDING: 0x00000103,
  STATUS_RECEIVE_PARTIAL: 0x4000000f,
  STATUS_RECEIVE_EXPEDITED: 0x40000010,
  STATUS_RECEIVE_PARTIAL_EXPEDITED: 0x40000011,
  STATUS_BUFFER_OVERFLOW: 0x80000005,
  STATUS_HANDLES_CLOSED: 0x8000000a,
  STATUS_NOT_IMPLEMENTED: 0xc0000002,
  STATUS_ACCESS_VIOLATION: 0xc0000005,
  STATUS_PAGEFILE_QUOTA: 0xc0000007,
  STATUS_INVALID_HANDLE: 0xc0000008,
  STATUS_NO_SUCH_DEVICE: 0xc000000e,
  STATUS_NO_SUCH_FILE: 0xc000000f,
  STATUS_END_OF_FILE: 0xc0000011,
  STATUS_NO_MEMORY: 0xc0000017,
  STATUS_CONFLICTING_ADDRESSES: 0xc0000018,
  STATUS_ACCESS_DENIED: 0xc0000022,
  STATUS_BUFFER_TOO_SMALL: 0xc0000023,
  STATUS_OBJECT_TYPE_MISMATCH: 0xc0000024,
  STATUS_OBJECT_NAME_NOT_FOUND: 0xc0000034,
  STATUS_OBJECT_PATH_NOT_FOUND: 0xc000003a,
  STATUS_SHARING_VIOLATION: 0xc0000043,
  STATUS_QUOTA_EXCEEDED: 0xc0000044,
  STATUS_TOO_MANY_PAGING_FILES: 0xc0000097,
  STATUS_INSUFFICIENT_RESOURCES: 0xc000009a,
  STATUS_WORKING_SET_QUOTA: 0xc00000a1,
  STATUS_DEVICE_NOT_READY: 0xc00000a3,
  STATUS_PIPE_DISCONNECTED: 0xc00000b0,
  STATUS_IO_TIMEOUT: 0xc00000b5,
  STATUS_NOT_SUPPORTED: 0xc00000bb,
  STATUS_REMOTE_NOT_LISTENING: 0xc00000bc,
  STATUS_BAD_NETWORK_PATH: 0xc00000be,
  STATUS_NETWORK_BUSY: 0xc00000bf,
  STATUS_INVALID_NETWORK_RESPONSE: 0xc00000c3,
  STATUS_UNEXPECTED_NETWORK_ERROR: 0xc00000c4,
  STATUS_REQUEST_NOT_ACCEPTED: 0xc00000d0,
  STATUS_TOO_MANY_OPENED_FILES: 0xc000011f,
  STATUS_CANCELLED: 0xc0000120,
  STATUS_COMMITMENT_LIMIT: 0xc000012d,
  STATUS_LOCAL_DISCONNECT: 0xc000013b,
  STATUS_REMOTE_DISCONNECT: 0xc000013c,
  STATUS_REMOTE_RESOURCES: 0xc000013d,
  STATUS_LINK_FAILED: 0xc000013e,
  STATUS_LINK_TIMEOUT: 0xc000013f,
  STATUS_INVALID_CONNECTION: 0xc0000140,
  STATUS_INVALID_ADDRESS: 0xc0000141,
  STATUS_INVALID_BUFFER_SIZE: 0xc0000206,
  STATUS_INVALID_ADDRESS_COMPONENT: 0xc0000207,
  STATUS_TOO_MANY_ADDRESSES: 0xc0000209,
  STATUS_ADDRESS_ALREADY_EXISTS: 0xc000020a,
  STATUS_CONNECTION_DISCONNECTED: 0xc000020c,
  STATUS_CONNECTION_RESET: 0xc000020d,
  STATUS_TRANSACTION_ABORTED: 0xc000020f,
  STATUS_CONNECTION_REFUSED: 0xc0000236,
  STATUS_GRACEFUL_DISCONNECT: 0xc0000237,
  STATUS_CONNECTION_ACTIVE: 0xc000023b,
  STATUS_NETWORK_UNREACHABLE: 0xc000023c,
  STATUS_HOST_UNREACHABLE: 0xc000023d,
  STATUS_PROTOCOL_UNREACHABLE: 0xc000023e,
  STATUS_PORT_UNREACHABLE: 0xc000023f,
  STATUS_REQUEST_ABORTED: 0xc0000240,
  STATUS_CONNECTION_ABORTED: 0xc0000241,
  STATUS_DATATYPE_MISALIGNMENT_ERROR: 0xc00002c5,
  STATUS_HOST_DOWN: 0xc0000350,
  STATUS_HOPLIMIT_EXCEEDED: 0xc000a012,
} as const;

// Those that code needs by name: `import { STATUS_CANCELLED } from …`.
// prettier-ignore
export const {
  STATUS_PENDING, STATUS_BUFFER_OVERFLOW, STATUS_HANDLES_CLOSED, STATUS_END_OF_FILE, STATUS_INSUFFICIENT_RESOURCES,
  STATUS_IO_TIMEOUT, STATUS_TOO_MANY_OPENED_FILES, STATUS_CANCELLED, STATUS_INVALID_CONNECTION, STATUS_CONNECTION_RESET,
  STATUS_CONNECTION_REFUSED, STATUS_NETWORK_UNREACHABLE, STATUS_HOST_UNREACHABLE, STATUS_PORT_UNREACHABLE,
  STATUS_CONNECTION_ABORTED,
} = NtStatus;

export type NtStatusName = keyof typeof NtStatus;

/** One row for every status above: `satisfies` makes a forgotten one a type error. */
export const WINSOCK_ERROR_BY_NTSTATUS = {
  STATUS_SUCCESS: SystemErrorCode.ERROR_SUCCESS,
  STATUS_TIMEOUT: SystemErrorCode.WSAETIMEDOUT,
  // Not an outcome. In a dequeued packet it would mean that we read the wrong memory; the library must not treat it as
  // success.
  STATUS_PENDING: SystemErrorCode.ERROR_IO_PENDING,
  // Successes: bytes were received, and the rest of the message (PARTIAL) or urgent data (EXPEDITED) is what the name
  // adds.
  STATUS_RECEIVE_PARTIAL: SystemErrorCode.ERROR_SUCCESS,
  STATUS_RECEIVE_EXPEDITED: SystemErrorCode.ERROR_SUCCESS,
  STATUS_RECEIVE_PARTIAL_EXPEDITED: SystemErrorCode.ERROR_SUCCESS,
  // A warning and not an error: the datagram was cut, what fitted is in the buffer and the byte count is right.
  STATUS_BUFFER_OVERFLOW: SystemErrorCode.WSAEMSGSIZE,
  // Wine completes a receive so when its socket is closed; Windows gives STATUS_CONNECTION_ABORTED for the same event,
  // hence the same answer.
  STATUS_HANDLES_CLOSED: SystemErrorCode.WSAECONNABORTED,
  STATUS_NOT_IMPLEMENTED: SystemErrorCode.WSAEOPNOTSUPP,
  STATUS_ACCESS_VIOLATION: SystemErrorCode.WSAEFAULT,
  STATUS_PAGEFILE_QUOTA: SystemErrorCode.WSAENOBUFS,
  STATUS_INVALID_HANDLE: SystemErrorCode.WSAENOTSOCK,
  STATUS_NO_SUCH_DEVICE: SystemErrorCode.WSAENETDOWN,
  STATUS_NO_SUCH_FILE: SystemErrorCode.WSAENETDOWN,
  // Not in libuv. What TransmitFile meets in a file that has become shorter.
  STATUS_END_OF_FILE: SystemErrorCode.ERROR_HANDLE_EOF,
  STATUS_NO_MEMORY: SystemErrorCode.WSAENOBUFS,
  // Wine's ws2_32 says WSAENOBUFS, which is modelled on WSAGetOverlappedResult; libuv's answer names the cause.
  STATUS_CONFLICTING_ADDRESSES: SystemErrorCode.WSAEADDRNOTAVAIL,
  STATUS_ACCESS_DENIED: SystemErrorCode.WSAEACCES,
  STATUS_BUFFER_TOO_SMALL: SystemErrorCode.WSAEFAULT,
  STATUS_OBJECT_TYPE_MISMATCH: SystemErrorCode.WSAENOTSOCK,
  STATUS_OBJECT_NAME_NOT_FOUND: SystemErrorCode.WSAENETDOWN,
  STATUS_OBJECT_PATH_NOT_FOUND: SystemErrorCode.WSAENETDOWN,
  STATUS_SHARING_VIOLATION: SystemErrorCode.WSAEADDRINUSE,
  STATUS_QUOTA_EXCEEDED: SystemErrorCode.WSAENOBUFS,
  STATUS_TOO_MANY_PAGING_FILES: SystemErrorCode.WSAENOBUFS,
  STATUS_INSUFFICIENT_RESOURCES: SystemErrorCode.WSAENOBUFS,
  STATUS_WORKING_SET_QUOTA: SystemErrorCode.WSAENOBUFS,
  STATUS_DEVICE_NOT_READY: SystemErrorCode.WSAEWOULDBLOCK,
  STATUS_PIPE_DISCONNECTED: SystemErrorCode.WSAESHUTDOWN,
  STATUS_IO_TIMEOUT: SystemErrorCode.WSAETIMEDOUT,
  STATUS_NOT_SUPPORTED: SystemErrorCode.WSAEOPNOTSUPP,
  STATUS_REMOTE_NOT_LISTENING: SystemErrorCode.WSAECONNREFUSED,
  STATUS_BAD_NETWORK_PATH: SystemErrorCode.WSAENETUNREACH,
  STATUS_NETWORK_BUSY: SystemErrorCode.WSAENETDOWN,
  STATUS_INVALID_NETWORK_RESPONSE: SystemErrorCode.WSAENETDOWN,
  STATUS_UNEXPECTED_NETWORK_ERROR: SystemErrorCode.WSAENETDOWN,
  STATUS_REQUEST_NOT_ACCEPTED: SystemErrorCode.WSAEWOULDBLOCK,
  // Not in libuv. Wine completes AcceptEx so at its file limit, in the moment when WSASocketW fails with WSAEMFILE: one
  // condition, one word, and the acceptor knows to back off.
  STATUS_TOO_MANY_OPENED_FILES: SystemErrorCode.WSAEMFILE,
  // libuv says WSAEINTR. Microsoft documents ERROR_OPERATION_ABORTED
  // (learn.microsoft.com/windows/win32/fileio/cancelioex-func), and that is what WSAGetOverlappedResult gives; WSAEINTR
  // belongs to WSACancelBlockingCall. The word is ECANCELED either way.
  STATUS_CANCELLED: SystemErrorCode.ERROR_OPERATION_ABORTED,
  STATUS_COMMITMENT_LIMIT: SystemErrorCode.WSAENOBUFS,
  STATUS_LOCAL_DISCONNECT: SystemErrorCode.WSAECONNABORTED,
  STATUS_REMOTE_DISCONNECT: SystemErrorCode.WSAECONNRESET,
  STATUS_REMOTE_RESOURCES: SystemErrorCode.WSAENOBUFS,
  STATUS_LINK_FAILED: SystemErrorCode.WSAECONNRESET,
  STATUS_LINK_TIMEOUT: SystemErrorCode.WSAETIMEDOUT,
  STATUS_INVALID_CONNECTION: SystemErrorCode.WSAENOTCONN,
  STATUS_INVALID_ADDRESS: SystemErrorCode.WSAEADDRNOTAVAIL,
  STATUS_INVALID_BUFFER_SIZE: SystemErrorCode.WSAEMSGSIZE,
  STATUS_INVALID_ADDRESS_COMPONENT: SystemErrorCode.WSAEADDRNOTAVAIL,
  // As with STATUS_CONFLICTING_ADDRESSES: Wine says WSAENOBUFS.
  STATUS_TOO_MANY_ADDRESSES: SystemErrorCode.WSAEADDRINUSE,
  STATUS_ADDRESS_ALREADY_EXISTS: SystemErrorCode.WSAEADDRINUSE,
  STATUS_CONNECTION_DISCONNECTED: SystemErrorCode.WSAECONNRESET,
  STATUS_CONNECTION_RESET: SystemErrorCode.WSAECONNRESET,
  STATUS_TRANSACTION_ABORTED: SystemErrorCode.WSAECONNABORTED,
  STATUS_CONNECTION_REFUSED: SystemErrorCode.WSAECONNREFUSED,
  STATUS_GRACEFUL_DISCONNECT: SystemErrorCode.WSAEDISCON,
  // Not in libuv, where it would be WSAEINVAL; Wine's ws2_32 has it. So with MISALIGNMENT_ERROR and HOST_DOWN below.
  STATUS_CONNECTION_ACTIVE: SystemErrorCode.WSAEISCONN,
  STATUS_NETWORK_UNREACHABLE: SystemErrorCode.WSAENETUNREACH,
  STATUS_HOST_UNREACHABLE: SystemErrorCode.WSAEHOSTUNREACH,
  STATUS_PROTOCOL_UNREACHABLE: SystemErrorCode.WSAENETUNREACH,
  STATUS_PORT_UNREACHABLE: SystemErrorCode.WSAECONNRESET,
  STATUS_REQUEST_ABORTED: SystemErrorCode.WSAEINTR,
  STATUS_CONNECTION_ABORTED: SystemErrorCode.WSAECONNABORTED,
  STATUS_DATATYPE_MISALIGNMENT_ERROR: SystemErrorCode.WSAEFAULT,
  STATUS_HOST_DOWN: SystemErrorCode.WSAEHOSTDOWN,
  STATUS_HOPLIMIT_EXCEEDED: SystemErrorCode.WSAECONNRESET,
} as const satisfies Record<NtStatusName, number>;

// Keyed by the signed value: a signed 32-bit number is a small integer to V8, an unsigned one above 2^31 is a heap
// number that each lookup would have to allocate.
const errorBySignedStatus: ReadonlyMap<number, number> = new Map(
  (Object.keys(NtStatus) as NtStatusName[]).map((name) => [NtStatus[name] | 0, WINSOCK_ERROR_BY_NTSTATUS[name]]),
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
  if (status === 0) return SystemErrorCode.ERROR_SUCCESS;
  const signed = status | 0;
  const known = errorBySignedStatus.get(signed);
  if (known !== undefined) return known;
  if (signed >= 0) return SystemErrorCode.ERROR_SUCCESS;
  const win32Code = signed & 0xffff;
  // A failure with the code 0 inside must not come out as success.
  if ((signed & NTWIN32_MASK) === NTWIN32_FAILURE && win32Code !== 0) return win32Code;
  return SystemErrorCode.WSAEINVAL;
}
