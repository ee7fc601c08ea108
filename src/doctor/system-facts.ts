/** Facts about the system, and no names of users, machines or folders: people paste them where everybody reads them. */
import os from 'node:os';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { SOMAXCONN_HINT_MAX, SOMAXCONN_HINT_MIN } from '../../ffi/constants.ts';
import { loadKoffi } from '../../ffi/koffi.ts';
import { loadProcessFunctions } from '../../ffi/process.ts';
import { loadWineVersion } from '../../ffi/wine.ts';
import { now } from '../platform/node-timers.ts';
import type { Platform } from '../platform/platform.ts';
import { waiterThreadOptions } from '../wait/thread-options.ts';
import { withDeadline } from './deadline.ts';
import type { Facts } from './report.ts';
import { messageOf } from '../../ffi/thrown.ts';

const MIB = 2 ** 20;

/** What every platform knows. */
export function systemFacts(): Facts {
  return {
    // ProductName and the build, as the registry and the kernel have them.
    system: `${os.version()}, ${os.type()} ${os.release()}`,
    node: `${process.versions.node} ${process.arch}, libuv ${process.versions.uv}, V8 ${process.versions.v8}`,
    ...(process.versions['electron'] !== undefined && { electron: process.versions['electron'] }),
    ...(process.versions['bun'] !== undefined && { bun: process.versions['bun'] }),
    processors: `${os.availableParallelism()}, ${os.machine()}`,
    memory: `${Math.round(os.totalmem() / MIB)} MiB, ${Math.round(os.freemem() / MIB)} free`,
  };
}

/** koffi, and whether Windows is Wine. Throws koffi's error when it cannot be loaded. */
export function koffiFacts(): Facts {
  const koffi = loadKoffi();
  const wine = loadWineVersion(koffi);
  return {
    koffi: `${koffi.version}, binary for ${process.platform} ${process.arch}`,
    ...(wine !== null && { wine }),
  };
}

/** Of a process on 64-bit Windows: https://learn.microsoft.com/windows/win32/sysinfo/kernel-objects has 2^24. */
const MAX_HANDLES = 2 ** 24;

const WAITS = 9;

/** Limits that matter to a server. */
export function limitFacts(platform: Platform): Facts {
  return {
    'a wait of 1 ms takes': `${waitOf1Ms().toFixed(1)} ms (Windows' own tick is 15.6)`,
    'handles of this process': handleCount(platform),
    'most handles of a process': MAX_HANDLES,
    'longest backlog': `${SOMAXCONN_HINT_MAX}, by SOMAXCONN_HINT; a plain number is cut to ${SOMAXCONN_HINT_MIN}`,
  };
}

/** The median: the timer's tick decides it. */
function waitOf1Ms(): number {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const times = Array.from({ length: WAITS }, () => {
    const begun = now();
    Atomics.wait(word, 0, 0, 1);
    return now() - begun;
  });
  return times.sort((one, other) => one - other)[Math.floor(WAITS / 2)] ?? 0;
}

function handleCount({ memory }: Platform): number | null {
  const functions = loadProcessFunctions(loadKoffi());
  const region = memory.allocate(4);
  if (region === null) return null;
  try {
    const count = new Uint32Array(region.buffer, 0, 1);
    const known = functions.GetProcessHandleCount(functions.GetCurrentProcess(), region.address) !== 0;
    // No process has none: Wine 8 does not count.
    return known && count[0] !== 0 ? (count[0] ?? null) : null;
  } finally {
    memory.release(region.address);
  }
}

const THREAD_MS = 30_000;

/** What a thread that is started as the waiter is really gets of the process's options. */
export async function waiterThreadFacts(): Promise<Facts> {
  const source = `require('node:worker_threads').parentPort.postMessage(
    { options: process.execArgv, variables: Object.keys(process.env).sort() })`;
  let worker: Worker | undefined;
  try {
    worker = new Worker(source, { ...waiterThreadOptions({}), eval: true });
    const started = worker;
    const seen = new Promise<{ options: string[]; variables: string[] }>((resolve, reject) => {
      started.once('message', resolve).once('error', reject);
    });
    const { options, variables } = await withDeadline(seen, THREAD_MS, 'the thread');
    return {
      // Names of variables, never their values; of options not what follows the name.
      options: options.map((option) => option.replace(/=.*/s, '=…')),
      'environment variables': variables,
      'of the process, execArgv': process.execArgv.length,
    };
  } catch (error) {
    return { 'cannot start': messageOf(error) };
  } finally {
    void worker?.terminate();
  }
}
