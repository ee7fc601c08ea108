/** What node:ffi can do and koffi can, asked by trying it. Each answer is a few words. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { undetachableBuffer } from '../../ffi/collected-memory.ts';
import { loadKoffi } from '../../ffi/koffi.ts';
import { requireNodeFfi } from './node-ffi.ts';

const ON_WINDOWS = process.platform === 'win32';
/** A C library with qsort and labs. */
const C_LIBRARY = ON_WINDOWS ? 'msvcrt.dll' : 'libc.so.6';
const PAGE = 65536;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Question and answer. */
export async function askFacts(): Promise<[string, string][]> {
  return [
    ['what the module has', Object.keys(requireNodeFfi()).join(', ')],
    ['what a library has', libraryMembers().join(', ')],
    ['its types', [...new Set(Object.values(requireNodeFfi().types))].join(', ')],
    ['numbers for 64-bit arguments', attempt(numbersFor64Bits)],
    ['a 64-bit result', typeof labs()(5n)],
    ['functions that mswsock.dll exports', ON_WINDOWS ? exportsOfMswsock() : 'not on this system'],
    ["the executable's own functions, by null", attempt(() => ownFunction(null))],
    ["the executable's own functions, by its file", attempt(() => ownFunction(process.execPath))],
    ['native memory seen and written without a copy', attempt(seesNativeMemory)],
    ['native memory left alone when its ArrayBuffer is garbage', attempt(leavesNativeMemory)],
    ['address of memory that V8 owns, as koffi says it', attempt(addressOfCollected)],
    ['a callback, on the thread that calls', attempt(sortsByCallback)],
    ['calls in a worker thread', await inWorker()],
    ['with --permission', inProcess('--permission', '--allow-fs-read=*')],
    ['with --permission --allow-ffi', inProcess('--permission', '--allow-fs-read=*', '--allow-ffi')],
    ['with --no-addons', inProcess('--no-addons')],
    ['with --no-experimental-ffi', inProcess('--no-experimental-ffi')],
    ['with --jitless', inProcess('--jitless')],
  ];
}

function attempt(question: () => string): string {
  try {
    return question();
  } catch (error) {
    return error instanceof Error ? `no: ${error.message}` : String(error);
  }
}

function libraryMembers(): string[] {
  return Object.getOwnPropertyNames(requireNodeFfi().DynamicLibrary.prototype).filter((name) => name !== 'constructor');
}

function labs() {
  const { DynamicLibrary } = requireNodeFfi();
  return new DynamicLibrary(C_LIBRARY).getFunction(ON_WINDOWS ? '_abs64' : 'labs', {
    return: 'i64',
    arguments: ['i64'],
  });
}

function numbersFor64Bits(): string {
  return labs()(-5) === 5n ? 'yes' : 'a wrong result';
}

function exportsOfMswsock(): string {
  const mswsock = new (requireNodeFfi().DynamicLibrary)('mswsock.dll');
  const names = ['AcceptEx', 'ConnectEx', 'DisconnectEx', 'GetAcceptExSockaddrs', 'TransmitFile'];
  return names
    .map((name) => `${name} ${attempt(() => (mswsock.getSymbol(name) === 0n ? 'no' : 'yes')).slice(0, 3)}`)
    .join(', ');
}

function ownFunction(path: string | null): string {
  const call = new (requireNodeFfi().DynamicLibrary)(path).getFunction('uv_version', { return: 'u32', arguments: [] });
  return call() === 0 ? 'a wrong result' : 'yes';
}

/** Memory that outlives this: nobody gives it back. */
function nativeMemory(): bigint {
  const { DynamicLibrary } = requireNodeFfi();
  return new DynamicLibrary(C_LIBRARY).getFunction('malloc', { return: 'u64', arguments: ['u64'] })(
    BigInt(PAGE),
  ) as bigint;
}

function seesNativeMemory(): string {
  const { toArrayBuffer } = requireNodeFfi();
  const address = nativeMemory();
  const [one, other] = [0, 1].map(() => new Uint8Array(toArrayBuffer(address, PAGE, false)));
  if (one === undefined || other === undefined) return 'no';
  one[7] = 99;
  return other[7] === 99 ? 'yes, also twice' : 'no';
}

function leavesNativeMemory(): string {
  const { toArrayBuffer } = requireNodeFfi();
  const address = nativeMemory();
  (() => new Uint8Array(toArrayBuffer(address, PAGE, false)).fill(7))();
  for (let round = 0; round < 3; round++) collect();
  return new Uint8Array(toArrayBuffer(address, PAGE, false)).every((byte) => byte === 7) ? 'yes' : 'no';
}

function addressOfCollected(): string {
  const buffer = undetachableBuffer(PAGE);
  if (buffer === null) return 'there is no such memory';
  return requireNodeFfi().getRawPointer(buffer) === loadKoffi().address(buffer) ? 'yes' : 'no';
}

function sortsByCallback(): string {
  const ffi = requireNodeFfi();
  const library = new ffi.DynamicLibrary(C_LIBRARY);
  const qsort = library.getFunction('qsort', { return: 'void', arguments: ['u64', 'u64', 'u64', 'pointer'] });
  const address = nativeMemory();
  const bytes = new Uint8Array(ffi.toArrayBuffer(address, 3, false));
  bytes.set([3, 1, 2]);
  const byteAt = (pointer: bigint): number => bytes[Number(pointer - address)] ?? 0;
  const compare = library.registerCallback(
    { return: 'i32', arguments: ['u64', 'u64'] },
    (left, right) => byteAt(left) - byteAt(right),
  );
  qsort(address, 3n, 1n, compare);
  return bytes.join() === '1,2,3' ? 'yes' : `no: ${bytes.join()}`;
}

const IN_A_THREAD = `
const ffi = process.getBuiltinModule('node:ffi');
if (ffi === undefined) throw new Error('there is no node:ffi');
const answer = new ffi.DynamicLibrary(${JSON.stringify(C_LIBRARY)}).getFunction('abs', { return: 'i32', arguments: ['i32'] })(-5);
`;

async function inWorker(): Promise<string> {
  const worker = new Worker(`${IN_A_THREAD}require('node:worker_threads').parentPort.postMessage(answer);`, {
    eval: true,
    env: { NODE_NO_WARNINGS: '1' },
  });
  const [answer] = (await once(worker, 'message')) as unknown[];
  await worker.terminate();
  return answer === 5 ? 'yes' : 'a wrong result';
}

/** A process of its own, with options of Node's. */
function inProcess(...options: string[]): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...options, '-e', `${IN_A_THREAD}console.log(answer === 5 ? 'works' : 'a wrong result');`],
    { encoding: 'utf8' },
  );
  const error = /^\w*Error.*$/m.exec(stderr)?.[0];
  const warning = /\w*Warning: .*/.exec(stderr)?.[0];
  return [stdout.trim() || (error ?? stderr.trim().split('\n').at(-1)), warning && `warns: ${warning}`]
    .filter(Boolean)
    .join('; ');
}
