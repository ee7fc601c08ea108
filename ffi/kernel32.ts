/**
 * kernel32.dll, as data: the calls that completion ports need, with Win32's own names.
 *
 * Every pointer, HANDLE and size crosses as a JavaScript number (`uintptr_t`): user-mode addresses on 64-bit Windows end
 * at 2^47, far below 2^53, and a call with numbers alone allocates nothing. HANDLE results are declared signed, so that
 * INVALID_HANDLE_VALUE is the number -1 and not a BigInt.
 *
 * Source: https://learn.microsoft.com/windows/win32/fileio/i-o-completion-ports
 */
import { bindTable, type Functions } from './dll.ts';
import type { KoffiModule } from './koffi.ts';
import type { CFunction } from './thread-koffi.ts';

/** The functions of kernel32.dll that the library calls. Sizes are bytes, timeouts milliseconds. */
const DECLARATIONS = {
  /** Creates a port (FileHandle = INVALID_HANDLE_VALUE) or ties a handle to one. Returns the port, or 0 on failure. */
  CreateIoCompletionPort:
    'intptr_t __stdcall CreateIoCompletionPort(intptr_t FileHandle, intptr_t ExistingCompletionPort, uintptr_t CompletionKey, uint32_t NumberOfConcurrentThreads)',
  /** Takes up to ulCount OVERLAPPED_ENTRY off the port. Returns BOOL; ulNumEntriesRemoved counts only when it is TRUE. */
  GetQueuedCompletionStatusEx:
    'int __stdcall GetQueuedCompletionStatusEx(intptr_t CompletionPort, uintptr_t lpCompletionPortEntries, uint32_t ulCount, uintptr_t ulNumEntriesRemoved, uint32_t dwMilliseconds, int fAlertable)',
  /** Queues a packet of the caller's own making. Returns BOOL. */
  PostQueuedCompletionStatus:
    'int __stdcall PostQueuedCompletionStatus(intptr_t CompletionPort, uint32_t dwNumberOfBytesTransferred, uintptr_t dwCompletionKey, uintptr_t lpOverlapped)',
  /** Asks for one operation (or all, lpOverlapped = 0) of a handle to be cancelled. The packet still comes. Returns BOOL. */
  CancelIoEx: 'int __stdcall CancelIoEx(intptr_t hFile, uintptr_t lpOverlapped)',
  /** Sets FILE_SKIP_COMPLETION_PORT_ON_SUCCESS (1) and FILE_SKIP_SET_EVENT_ON_HANDLE (2). Returns BOOL. */
  SetFileCompletionNotificationModes:
    'int __stdcall SetFileCompletionNotificationModes(intptr_t FileHandle, uint8_t Flags)',
  /** Sets HANDLE_FLAG_INHERIT and its like. Returns BOOL. */
  SetHandleInformation: 'int __stdcall SetHandleInformation(intptr_t hObject, uint32_t dwMask, uint32_t dwFlags)',
  /** Makes an event; all zero: auto-reset, not set, without a name. Returns the HANDLE, or 0. */
  CreateEventW:
    'intptr_t __stdcall CreateEventW(uintptr_t lpEventAttributes, int bManualReset, int bInitialState, uintptr_t lpName)',
  /** Sets an event: a thread that waits for it goes on. Returns BOOL. */
  SetEvent: 'int __stdcall SetEvent(intptr_t hEvent)',
  /** Returns WAIT_OBJECT_0 (0), WAIT_TIMEOUT (258), or WAIT_FAILED (0xffffffff). */
  WaitForSingleObject: 'uint32_t __stdcall WaitForSingleObject(intptr_t hHandle, uint32_t dwMilliseconds)',
  /** Closes a HANDLE (never a SOCKET: that is closesocket's). Returns BOOL. */
  CloseHandle: 'int __stdcall CloseHandle(intptr_t hObject)',
  /** The calling thread's last error; koffi keeps it safe between two calls from what V8 and libuv do meanwhile. */
  GetLastError: 'uint32_t __stdcall GetLastError()',
  /** Reserves and commits zeroed pages. Returns the address, or 0. */
  VirtualAlloc:
    'uintptr_t __stdcall VirtualAlloc(uintptr_t lpAddress, size_t dwSize, uint32_t flAllocationType, uint32_t flProtect)',
  /** Gives pages back. Returns BOOL. */
  VirtualFree: 'int __stdcall VirtualFree(uintptr_t lpAddress, size_t dwSize, uint32_t dwFreeType)',
} as const;

/** kernel32.dll. */
export type Kernel32 = Functions<typeof DECLARATIONS>;

/** One function of kernel32.dll, for a thread that needs no other. */
export function kernel32Function(name: keyof Kernel32): CFunction {
  return { dll: 'kernel32.dll', declaration: DECLARATIONS[name] };
}

/** Loads kernel32.dll. Throws koffi's error when the library or a symbol is missing (not Windows, or before Vista). */
export function loadKernel32(koffi: KoffiModule): Kernel32 {
  return bindTable(koffi, 'kernel32.dll', DECLARATIONS);
}
