/**
 * ws2_32.dll, as data: Winsock's own calls, with Winsock's own names.
 *
 * SOCKET results are declared signed, so that INVALID_SOCKET (~0) is the number -1 and compares with ===. Out-parameters
 * are addresses in memory that the caller owns: nothing here is a koffi temporary, since the kernel writes some of them
 * after the call has returned.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/winsock2/
 */
import { bindTable, type Functions } from './dll.ts';
import type { KoffiModule } from './koffi.ts';
import type { CFunction } from './thread-koffi.ts';

/** The functions of ws2_32.dll that the backends call. All but WSASocketW return 0, or SOCKET_ERROR (-1). */
const DECLARATIONS = {
  /** Returns 0 or the error code itself (not through WSAGetLastError). lpWSAData: 408 bytes on 64-bit Windows. */
  WSAStartup: 'int __stdcall WSAStartup(uint16_t wVersionRequested, uintptr_t lpWSAData)',
  WSACleanup: 'int __stdcall WSACleanup()',
  /** Returns the SOCKET, or INVALID_SOCKET (-1). */
  WSASocketW:
    'intptr_t __stdcall WSASocketW(int af, int type, int protocol, uintptr_t lpProtocolInfo, uint32_t g, uint32_t dwFlags)',
  /** Makes a duplicate for another process; lpProtocolInfo: 628 bytes that WSASocketW takes there. */
  WSADuplicateSocketW: 'int __stdcall WSADuplicateSocketW(uintptr_t s, uint32_t dwProcessId, uintptr_t lpProtocolInfo)',
  /** Returns the accepted SOCKET, or INVALID_SOCKET (-1). addrlen: address of an int, as in getsockname. */
  accept: 'intptr_t __stdcall accept(uintptr_t s, uintptr_t addr, uintptr_t addrlen)',
  bind: 'int __stdcall bind(uintptr_t s, uintptr_t name, int namelen)',
  connect: 'int __stdcall connect(uintptr_t s, uintptr_t name, int namelen)',
  /** argp: address of a u_long. */
  ioctlsocket: 'int __stdcall ioctlsocket(uintptr_t s, int32_t cmd, uintptr_t argp)',
  listen: 'int __stdcall listen(uintptr_t s, int backlog)',
  /** Overlapped receive. -1 with ERROR_IO_PENDING (997) means that a packet will come. */
  WSARecv:
    'int __stdcall WSARecv(uintptr_t s, uintptr_t lpBuffers, uint32_t dwBufferCount, uintptr_t lpNumberOfBytesRecvd, uintptr_t lpFlags, uintptr_t lpOverlapped, uintptr_t lpCompletionRoutine)',
  /**
   * Overlapped receive of a datagram. -1 with ERROR_IO_PENDING (997) means that a packet will come. lpFrom, lpFromlen
   * (address of an int, as in getsockname) and lpFlags are written when the operation ends, so they must live until then.
   */
  WSARecvFrom:
    'int __stdcall WSARecvFrom(uintptr_t s, uintptr_t lpBuffers, uint32_t dwBufferCount, uintptr_t lpNumberOfBytesRecvd, uintptr_t lpFlags, uintptr_t lpFrom, uintptr_t lpFromlen, uintptr_t lpOverlapped, uintptr_t lpCompletionRoutine)',
  /** Overlapped send. -1 with ERROR_IO_PENDING (997) means that a packet will come. */
  WSASend:
    'int __stdcall WSASend(uintptr_t s, uintptr_t lpBuffers, uint32_t dwBufferCount, uintptr_t lpNumberOfBytesSent, uint32_t dwFlags, uintptr_t lpOverlapped, uintptr_t lpCompletionRoutine)',
  WSASendTo:
    'int __stdcall WSASendTo(uintptr_t s, uintptr_t lpBuffers, uint32_t dwBufferCount, uintptr_t lpNumberOfBytesSent, uint32_t dwFlags, uintptr_t lpTo, int iTolen, uintptr_t lpOverlapped, uintptr_t lpCompletionRoutine)',
  /** Returns the number of sockets with events, 0 after the timeout (ms; negative waits for ever), or -1. */
  WSAPoll: 'int __stdcall WSAPoll(uintptr_t fdArray, uint32_t fds, int timeout)',
  WSAIoctl:
    'int __stdcall WSAIoctl(uintptr_t s, uint32_t dwIoControlCode, uintptr_t lpvInBuffer, uint32_t cbInBuffer, uintptr_t lpvOutBuffer, uint32_t cbOutBuffer, uintptr_t lpcbBytesReturned, uintptr_t lpOverlapped, uintptr_t lpCompletionRoutine)',
  setsockopt: 'int __stdcall setsockopt(uintptr_t s, int level, int optname, uintptr_t optval, int optlen)',
  /** optlen: address of an int that holds the buffer's length in bytes and receives the value's. */
  getsockopt: 'int __stdcall getsockopt(uintptr_t s, int level, int optname, uintptr_t optval, uintptr_t optlen)',
  /** namelen: address of an int, as in getsockopt. */
  getsockname: 'int __stdcall getsockname(uintptr_t s, uintptr_t name, uintptr_t namelen)',
  getpeername: 'int __stdcall getpeername(uintptr_t s, uintptr_t name, uintptr_t namelen)',
  shutdown: 'int __stdcall shutdown(uintptr_t s, int how)',
  closesocket: 'int __stdcall closesocket(uintptr_t s)',
  WSAGetLastError: 'int __stdcall WSAGetLastError()',
} as const;

/** ws2_32.dll. */
export type Ws2_32 = Functions<typeof DECLARATIONS>;

/** One function of ws2_32.dll, for a thread that needs no other. */
export function ws2_32Function(name: keyof Ws2_32): CFunction {
  return { dll: 'ws2_32.dll', declaration: DECLARATIONS[name] };
}

/** Loads ws2_32.dll. Throws koffi's error when the library or a symbol is missing. */
export function loadWs2_32(koffi: KoffiModule): Ws2_32 {
  return bindTable(koffi, 'ws2_32.dll', DECLARATIONS);
}
