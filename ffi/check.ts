/**
 * One checker for each way in which Win32 calls report failure. Nothing else reads a last error, and each checker is
 * called on the very result of the call: koffi keeps the last error safe from V8 in between, but the next call of ours
 * overwrites it.
 */
import { INVALID_HANDLE_VALUE, INVALID_SOCKET, SOCKET_ERROR } from './constants.ts';
import type { Kernel32 } from './kernel32.ts';
import type { Ws2_32 } from './ws2_32.ts';
import { describeSystemError } from './system-error.ts';
import { ERROR_IO_PENDING } from './wsa-errors.ts';

/** A Win32 or Winsock call that failed: which one, and the system's code. Backends turn it into a NetworkError. */
export class Win32Error extends Error {
  override readonly name = 'Win32Error';
  readonly syscall: string;
  readonly systemErrorCode: number;

  constructor(syscall: string, systemErrorCode: number) {
    const { name, message } = describeSystemError(systemErrorCode);
    super(`${syscall} failed with ${name} (${systemErrorCode}): ${message}`);
    this.syscall = syscall;
    this.systemErrorCode = systemErrorCode;
  }

  /** True for those of another copy of this class too: of iocp-pal and iocp-pal/wsapoll, as CommonJS, each has its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return (value as Partial<Win32Error> | null | undefined)?.name === 'Win32Error';
  }
}

/** BOOL: FALSE is failure, the code is GetLastError's. */
export function checkBool(result: number, kernel32: Kernel32, syscall: string): void {
  if (result === 0) throw new Win32Error(syscall, kernel32.GetLastError());
}

/** HANDLE or address: NULL (or INVALID_HANDLE_VALUE) is failure, the code is GetLastError's. Returns the handle. */
export function checkHandle(result: number, kernel32: Kernel32, syscall: string): number {
  if (result === 0 || result === INVALID_HANDLE_VALUE) throw new Win32Error(syscall, kernel32.GetLastError());
  return result;
}

/** int of Winsock: SOCKET_ERROR is failure, the code is WSAGetLastError's. */
export function checkWinsock(result: number, ws2_32: Ws2_32, syscall: string): void {
  if (result === SOCKET_ERROR) throw new Win32Error(syscall, ws2_32.WSAGetLastError());
}

/** SOCKET: INVALID_SOCKET is failure, the code is WSAGetLastError's. Returns the socket. */
export function checkSocket(result: number, ws2_32: Ws2_32, syscall: string): number {
  if (result === INVALID_SOCKET) throw new Win32Error(syscall, ws2_32.WSAGetLastError());
  return result;
}

/** WSAStartup and its like, which return the error code itself. */
export function checkReturnedCode(result: number, syscall: string): void {
  if (result !== 0) throw new Win32Error(syscall, result);
}

/** The call finished, or will finish with a packet: no error. */
export const NO_ERROR = 0;
/** The call succeeded at once. A packet comes as well, unless the socket skips packets on success. */
export const FINISHED = -1;

/**
 * An overlapped call. `succeeded` is the call's own notion of success (0 for WSARecv, TRUE for AcceptEx).
 * Returns FINISHED, NO_ERROR (pending: a packet will come), or the error code (it failed at once: no packet, ever).
 */
export function overlappedOutcome(succeeded: boolean, ws2_32: Ws2_32): number {
  if (succeeded) return FINISHED;
  const code = ws2_32.WSAGetLastError();
  return code === ERROR_IO_PENDING ? NO_ERROR : code;
}
