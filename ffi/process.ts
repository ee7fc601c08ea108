/**
 * How many handles this process has, as data. The backends do not call these, so they are no part of the Win32Tables that a
 * platform is made of.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesshandlecount
 */
import { bindTable } from './dll.ts';
import type { KoffiModule } from './koffi.ts';

/** Binds them. Throws koffi's error when there is no such DLL. */
export function loadProcessFunctions(koffi: KoffiModule) {
  return bindTable(koffi, 'kernel32.dll', {
    /** A constant that stands for the calling process; need not be closed. */
    GetCurrentProcess: 'intptr_t __stdcall GetCurrentProcess()',
    /** Writes the number of open handles, a DWORD, to pdwHandleCount. Returns BOOL. */
    GetProcessHandleCount: 'int __stdcall GetProcessHandleCount(intptr_t hProcess, uintptr_t pdwHandleCount)',
  });
}
