/**
 * Is the error code of a call still there when the next call asks for it? On Windows GetLastError's, elsewhere errno. Between the
 * two nothing of the program's own runs, or something that stands for what V8 may do by itself at any moment: grow its heap,
 * collect garbage, compile, wait for another of its threads.
 */
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { compileFunction, runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { loadKoffi } from '../../ffi/koffi.ts';
import { requireNodeFfi } from './node-ffi.ts';

const CALLS = 200_000;
/** Timers and immediates run between so many of them. */
const CALLS_OF_TURN = 1000;
const INSPECTED_MS = 10_000;
const EBADF = 9;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export interface LastErrors {
  readonly calls: number;
  readonly lost: number;
  /** What was there in place of what was lost: code and how often. */
  readonly found: string;
}

interface Errors {
  /** Makes a call that fails, and returns its code. */
  fail(index: number): number;
  ask(): number;
}

type Between = (index: number) => void;

const kept: unknown[] = [];
const word = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** By what it stands for. The rarer ones happen every so many calls. */
const BETWEEN: Readonly<Record<string, Between>> = {
  nothing: () => undefined,
  'small objects': (index) => {
    kept[index % 1024] = { index, list: [index] };
  },
  'arrays that the heap grows for': every(10, (index) => {
    kept[index % 16] = new Array(300_000).fill(index);
  }),
  'a garbage collection': every(1000, collect),
  'a function compiled': every(100, (index) => {
    kept[index % 16] = (compileFunction(`return ${index}`) as () => number)();
  }),
  'a wait of 10 µs for another thread': every(100, () => Atomics.wait(word, 0, 0, 0.01)),
};

/** By what happens in between. Another thread fills its heap meanwhile, and timers run. */
export async function measureLastErrors(): Promise<Record<string, Record<string, LastErrors>>> {
  const neighbour = new Worker(
    'const kept = []; setInterval(() => { for (let i = 0; i < 5000; i++) kept[i % 256] = { i }; }, 1)',
    {
      eval: true,
    },
  );
  const timer = setInterval(() => (kept[0] = {}), 1);
  const result: Record<string, Record<string, LastErrors>> = {};
  for (const [name, between] of Object.entries(BETWEEN)) {
    const row: Record<string, LastErrors> = {};
    for (const [way, errors] of ways()) row[way] = await countLost(errors, between, CALLS);
    result[name] = row;
    kept.length = 0;
  }
  clearInterval(timer);
  await neighbour.terminate();
  result["nothing, beside a debugger's questions"] = await underInspection();
  return result;
}

function every(calls: number, act: Between): Between {
  return (index) => {
    if (index % calls === 0) act(index);
  };
}

async function countLost(errors: Errors, between: Between, calls: number): Promise<LastErrors> {
  const found = new Map<number, number>();
  for (let index = 0; index < calls; index++) {
    const expected = errors.fail(index);
    between(index);
    const code = errors.ask();
    if (code !== expected) found.set(code, (found.get(code) ?? 0) + 1);
    if (index % CALLS_OF_TURN === 0) await turn();
  }
  return lastErrors(calls, found);
}

function lastErrors(calls: number, found: ReadonlyMap<number, number>): LastErrors {
  const counts = [...found];
  return {
    calls,
    lost: counts.reduce((sum, [, count]) => sum + count, 0),
    found: counts.map(([code, count]) => `${code} (${count} ×)`).join(', '),
  };
}

function ways(): [string, Errors][] {
  return process.platform === 'win32'
    ? [
        ['koffi', koffiOnWindows()],
        ['node:ffi', nodeOnWindows()],
      ]
    : [
        ['koffi', koffiElsewhere()],
        ['node:ffi', nodeElsewhere()],
      ];
}

/** SetLastError's call stands for any that fails, with another code each time. */
function failing(set: (code: number) => void): (index: number) => number {
  return (index) => {
    const code = 20_000 + (index % 10_000);
    set(code);
    return code;
  };
}

function koffiOnWindows(): Errors {
  const kernel32 = loadKoffi().load('kernel32.dll');
  return {
    fail: failing(kernel32.func('void __stdcall SetLastError(uint32_t dwErrCode)') as (code: number) => void),
    ask: kernel32.func('uint32_t __stdcall GetLastError()') as () => number,
  };
}

function nodeOnWindows(): Errors {
  const kernel32 = new (requireNodeFfi().DynamicLibrary)('kernel32.dll');
  return {
    fail: failing(kernel32.getFunction('SetLastError', { return: 'void', arguments: ['u32'] })),
    ask: kernel32.getFunction('GetLastError', { return: 'u32', arguments: [] }) as () => number,
  };
}

function koffiElsewhere(): Errors {
  const koffi = loadKoffi();
  const close = koffi.load('libc.so.6').func('int close(int fd)') as (fd: number) => number;
  return { fail: () => (close(-1), EBADF), ask: () => koffi.errno() };
}

function nodeElsewhere(): Errors {
  const ffi = requireNodeFfi();
  const libc = new ffi.DynamicLibrary('libc.so.6');
  const close = libc.getFunction('close', { return: 'i32', arguments: ['i32'] });
  const address = libc.getFunction('__errno_location', { return: 'u64', arguments: [] }) as () => bigint;
  const errno = new Int32Array(ffi.toArrayBuffer(address(), Int32Array.BYTES_PER_ELEMENT, false));
  return { fail: () => (close(-1), EBADF), ask: () => errno[0] ?? 0 };
}

/** A thread with an inspector's session to this one has it evaluate 1 + 1, again and again. */
const INSPECTOR = `
const { parentPort } = require('node:worker_threads');
const { Session } = require('node:inspector/promises');
const session = new Session();
session.connectToMainThread();
parentPort.postMessage('connected');
const ask = () => session.post('Runtime.evaluate', { expression: '1 + 1' }).then(() => setImmediate(ask));
void ask();
`;

/** Call after call, without a turn of the event loop: the questions interrupt wherever they can. */
async function underInspection(): Promise<Record<string, LastErrors>> {
  const row: Record<string, LastErrors> = {};
  for (const [way, errors] of ways()) {
    const inspector = new Worker(INSPECTOR, { eval: true });
    await new Promise((resolve) => inspector.once('message', resolve));
    const found = new Map<number, number>();
    let calls = 0;
    for (const end = Date.now() + INSPECTED_MS; Date.now() < end;) {
      for (const stop = calls + CALLS_OF_TURN; calls < stop; calls++) {
        const expected = errors.fail(calls);
        const code = errors.ask();
        if (code !== expected) found.set(code, (found.get(code) ?? 0) + 1);
      }
    }
    await inspector.terminate();
    row[way] = lastErrors(calls, found);
  }
  return row;
}
