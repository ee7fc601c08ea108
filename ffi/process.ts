/**
 * How many handles this process has, as data. The backends do not call these, so they are no part of the Win32Tables that a
 * platform is made of.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesshandlecount
 */
import { bindTable } from './kernel32.ts';
import type { KoffiModule } from './koffi.ts';

/** Two functions of kernel32.dll. */
export interface ProcessFunctions {
  /** A constant that stands for the calling process; need not be closed. */
  GetCurrentProcess(): number;
  /** Writes the number of open handles, a DWORD, to pdwHandleCount. Returns BOOL. */
  GetProcessHandleCount(hProcess: number, pdwHandleCount: number): number;
}

/** Binds the two. Throws koffi's error when there is no such DLL. */
export function loadProcessFunctions(koffi: KoffiModule): ProcessFunctions {
  return bindTable<ProcessFunctions>(koffi, 'kernel32.dll', {
    GetCurrentProcess: 'intptr_t __stdcall GetCurrentProcess()',
    GetProcessHandleCount: 'int __stdcall GetProcessHandleCount(intptr_t hProcess, uintptr_t pdwHandleCount)',
  });
}
