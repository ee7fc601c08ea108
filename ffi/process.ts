/**
 * How many handles this process has, as data: for leak tests. The backends do not call these, so they are no part of the
 * Win32Tables that a kernel is made of.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesshandlecount,
 * https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntquerysysteminformation
 */
import { bindTable } from './kernel32.ts';
import type { KoffiModule } from './koffi.ts';

/** Two functions of kernel32.dll and one of ntdll.dll. */
export interface ProcessFunctions {
  /** A constant that stands for the calling process; need not be closed. */
  GetCurrentProcess(): number;
  /** Writes the number of open handles, a DWORD, to pdwHandleCount. Returns BOOL. */
  GetProcessHandleCount(hProcess: number, pdwHandleCount: number): number;
  /**
   * Writes information about the whole system. Returns an NTSTATUS, negative for errors. It takes four arguments: the other
   * two are for SYSTEM_CALL_WORDS, and 0.
   */
  NtQuerySystemInformation(
    SystemInformationClass: number,
    SystemInformation: number,
    SystemInformationLength: number,
    ReturnLength: number,
    padding1: number,
    padding2: number,
  ): number;
}

/** SYSTEM_INFORMATION_CLASS: every handle of every process. */
export const SystemExtendedHandleInformation = 64;

/** SYSTEM_HANDLE_INFORMATION_EX: the count, then one SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX per handle. Offsets in bytes. */
export const SYSTEM_HANDLE_INFORMATION_EX = { NumberOfHandles: 0, Handles: 16 } as const;
export const SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX = { UniqueProcessId: 8, size: 40 } as const;

/**
 * Arguments that a function of ntdll which is a system call is declared with, at least. Such a function has no frame of
 * its own that would stand between the caller's stack and the dispatcher of system calls; and Wine's, since some version
 * between 8 and 10, copies a fifth and a sixth argument off the stack whether there is one or not. Where the caller's frame
 * ends with its page, that faults, and is tried again for ever.
 */
export const SYSTEM_CALL_WORDS = 6;

const KERNEL32_DECLARATIONS = {
  GetCurrentProcess: 'intptr_t __stdcall GetCurrentProcess()',
  GetProcessHandleCount: 'int __stdcall GetProcessHandleCount(intptr_t hProcess, uintptr_t pdwHandleCount)',
} as const;

const NTDLL_DECLARATIONS = {
  NtQuerySystemInformation:
    'int32_t __stdcall NtQuerySystemInformation(int SystemInformationClass, uintptr_t SystemInformation, uint32_t SystemInformationLength, uintptr_t ReturnLength, uintptr_t padding1, uintptr_t padding2)',
} as const;

/** Binds the three. Throws koffi's error when there is no such DLL. */
export function loadProcessFunctions(koffi: KoffiModule): ProcessFunctions {
  return {
    ...bindTable<Omit<ProcessFunctions, 'NtQuerySystemInformation'>>(koffi, 'kernel32.dll', KERNEL32_DECLARATIONS),
    ...bindTable<Pick<ProcessFunctions, 'NtQuerySystemInformation'>>(koffi, 'ntdll.dll', NTDLL_DECLARATIONS),
  };
}
