/** The real platform: the DLLs of this process, Node's time, and the two real waiters. */
import process from 'node:process';
import { KoffiError, type KoffiProblem } from '../../ffi/koffi-error.ts';
import { loadLibuv } from '../../ffi/libuv.ts';
import { loadWin32Tables, type Win32Tables } from '../../ffi/tables.ts';
import { createEventWaiter } from '../wait/event-waiter.ts';
import { createPortWaiter } from '../wait/port-waiter.ts';
import { createWorkerWaiter } from '../wait/worker-waiter.ts';
import { inOwnContext } from '../platform/async-context.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { Platform } from '../platform/platform.ts';
import { nodeFiles } from './node-files.ts';
import { nodeScheduler } from '../platform/node-scheduler.ts';
import { onProcessIdle } from './process-idle.ts';
import { threadEnd } from './thread-end.ts';

let platform: Platform | undefined;

/** The kernel of this process. Throws one clear NetworkError where iocp-pal cannot work. */
export function windowsPlatform(): Platform {
  platform ??= makePlatform();
  return platform;
}

/** Facts about a process that decide whether the library can work in it. */
export interface HostFacts {
  platform: string;
  arch: string;
}

/** Throws unless the host is 64-bit Windows. */
export function checkHost({ platform, arch }: HostFacts): void {
  if (platform !== 'win32') {
    throw unsupported(
      `Cannot use I/O completion ports on ${platform}: they exist on Windows only. ` +
        "Run under the Windows node.exe, or pass a simulated platform from 'iocp-pal/sim' for tests",
    );
  }
  if (arch !== 'x64' && arch !== 'arm64') {
    throw unsupported(`Cannot run in a ${arch} process: struct layouts are 64-bit. Install the x64 or arm64 Node`);
  }
}

function unsupported(message: string): NetworkError {
  return new NetworkError(message, {
    kind: NetworkErrorCode.InitializationFailed,
    code: 'ERR_UNSUPPORTED_PLATFORM',
  });
}

const CODE_OF_PROBLEM: Readonly<Record<KoffiProblem, string>> = {
  'no package': 'ERR_KOFFI_NOT_FOUND',
  'no binary': 'ERR_KOFFI_BINARY_NOT_FOUND',
  forbidden: 'ERR_ADDONS_FORBIDDEN',
};

function loadTables(): Win32Tables {
  try {
    return loadWin32Tables();
  } catch (error) {
    if (!(error instanceof KoffiError)) throw error;
    const { message, cause, problem } = error;
    const code = CODE_OF_PROBLEM[problem];
    throw new NetworkError(message, { kind: NetworkErrorCode.InitializationFailed, code, cause });
  }
}

function makePlatform(): Platform {
  checkHost(process);
  const tables = loadTables();
  return {
    ...tables,
    scheduler: nodeScheduler,
    files: nodeFiles(loadLibuv()),
    createWaiter: (kind, parts) => inOwnContext(createPortWaiter, tables.kernel32, kind, parts),
    createEventWaiter: (parts) => inOwnContext(createEventWaiter, tables.kernel32, parts),
    createWorkerWaiter: (parts) => inOwnContext(createWorkerWaiter, parts),
    ...(threadEnd === undefined ? {} : { threadEnd }),
    onIdle: onProcessIdle,
  };
}
