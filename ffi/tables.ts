/** All tables together: what a backend is given, and what a simulated platform implements in memory. */
import { loadKernel32, type Kernel32 } from './kernel32.ts';
import { loadKoffi } from './koffi.ts';
import { virtualMemory, type NativeMemory } from './memory.ts';
import { bindMswsock, type MswsockPointers } from './mswsock.ts';
import { loadWs2_32, type Ws2_32 } from './ws2_32.ts';

/** The Win32 surface of iocp-pal. */
export interface Win32Tables {
  /** kernel32.dll: ports, cancelling, handles, memory. */
  readonly kernel32: Kernel32;
  /** ws2_32.dll: sockets. */
  readonly ws2_32: Ws2_32;
  /** The extension functions of mswsock, by the pointers that WSAIoctl gives. */
  readonly mswsock: MswsockPointers;
  /** Memory that the kernel may be lent. */
  readonly memory: NativeMemory;
}

/** Loads the DLLs of this process. Throws koffi's error when one is missing: the caller has checked the platform. */
export function loadWin32Tables(): Win32Tables {
  const koffi = loadKoffi();
  const kernel32 = loadKernel32(koffi);
  return { kernel32, ws2_32: loadWs2_32(koffi), mswsock: bindMswsock(koffi), memory: virtualMemory(koffi, kernel32) };
}
