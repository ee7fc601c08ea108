/**
 * All handles of all processes, as data: what Wine 8 can count where GetProcessHandleCount answers 0.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntquerysysteminformation
 */
import { bindTable } from '../../ffi/dll.ts';
import type { KoffiModule } from '../../ffi/koffi.ts';

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

/** Binds it. Throws koffi's error when there is no such DLL. */
export function loadSystemInformation(koffi: KoffiModule) {
  return bindTable(koffi, 'ntdll.dll', {
    /**
     * Writes information about the whole system. Returns an NTSTATUS, negative for errors. It takes four arguments: the other
     * two are for SYSTEM_CALL_WORDS, and 0.
     */
    NtQuerySystemInformation:
      'int32_t __stdcall NtQuerySystemInformation(int SystemInformationClass, uintptr_t SystemInformation, uint32_t SystemInformationLength, uintptr_t ReturnLength, uintptr_t padding1, uintptr_t padding2)',
  });
}
