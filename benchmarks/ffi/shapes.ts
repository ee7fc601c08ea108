/**
 * The shapes of the library's calls, by their parameters, on a function that does nothing: in the conventions of x64 and arm64 the
 * caller owns the arguments, so more of them than the function reads are harmless. What is measured is the crossing.
 */
import process from 'node:process';
import { loadKoffi } from '../../ffi/koffi.ts';
import { requireNodeFfi, type Call } from './node-ffi.ts';

const ON_WINDOWS = process.platform === 'win32';
const LIBRARY = ON_WINDOWS ? 'kernel32.dll' : 'libc.so.6';
const NOTHING = ON_WINDOWS ? 'GetCurrentProcessId' : 'gnu_get_libc_version';

/** Types by node:ffi's names. SOCKETs, sizes and addresses are u64, HANDLEs i64. */
export type Shape = readonly ('i32' | 'u32' | 'i64' | 'u64')[];

const IN_C = { i32: 'int', u32: 'uint32_t', i64: 'intptr_t', u64: 'uintptr_t' } as const;

/** By the name of one call that has it. */
export const SHAPES = {
  WSAGetLastError: [],
  closesocket: ['u64'],
  CancelIoEx: ['i64', 'u64'],
  PostQueuedCompletionStatus: ['i64', 'u32', 'u64', 'u64'],
  setsockopt: ['u64', 'i32', 'i32', 'u64', 'i32'],
  GetQueuedCompletionStatusEx: ['i64', 'u64', 'u32', 'u64', 'u32', 'i32'],
  WSARecv: ['u64', 'u64', 'u32', 'u64', 'u64', 'u64', 'u64'],
  WSASend: ['u64', 'u64', 'u32', 'u64', 'u32', 'u64', 'u64'],
  AcceptEx: ['u64', 'u64', 'u64', 'u32', 'u32', 'u32', 'u64', 'u64'],
  WSARecvFrom: ['u64', 'u64', 'u32', 'u64', 'u64', 'u64', 'u64', 'u64', 'u64'],
} satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof SHAPES;

/** How 64-bit arguments are given. 'made' makes a bigint of a number for each call, 'ready' has them already. */
export type Way = 'koffi, numbers' | 'node:ffi, numbers' | 'node:ffi, bigints made' | 'node:ffi, bigints ready';

export interface Caller {
  readonly call: Call;
  readonly args: readonly (number | bigint)[];
  /** What is written in the call for the argument that is called `name`. */
  readonly written: (name: string, index: number) => string;
}

/** An address as they are: above 2^32, and below 2^47. */
const ADDRESS = 0x7ff0_1234_5678;
const HANDLE = 320;

/** The ways in which this Node can call the shape. */
export function callersOf(shape: Shape): Map<Way, Caller> {
  const numbers = shape.map((type, index) =>
    type === 'u64' && index > 0 ? ADDRESS : type.endsWith('64') ? HANDLE : 1,
  );
  const bigints = numbers.map((value, index) => (isLong(shape, index) ? BigInt(value) : value));
  const asItIs = (name: string): string => name;
  const made = (name: string, index: number): string => (isLong(shape, index) ? `BigInt(${name})` : name);
  const callers = new Map<Way, Caller>([
    ['koffi, numbers', { call: koffiCall(shape), args: numbers, written: asItIs }],
    ['node:ffi, bigints made', { call: nodeCall(shape), args: numbers, written: made }],
    ['node:ffi, bigints ready', { call: nodeCall(shape), args: bigints, written: asItIs }],
  ]);
  const call = nodeCall(shape);
  if (accepts(call, numbers)) callers.set('node:ffi, numbers', { call, args: numbers, written: asItIs });
  return callers;
}

function isLong(shape: Shape, index: number): boolean {
  return shape[index]?.endsWith('64') ?? false;
}

function accepts(call: Call, args: readonly number[]): boolean {
  try {
    call(...args);
    return true;
  } catch {
    return false;
  }
}

function koffiCall(shape: Shape): Call {
  const types = shape.map((type) => IN_C[type]);
  return loadKoffi().load(LIBRARY).func('__stdcall', NOTHING, 'int', types) as Call;
}

/** A library of its own for each: one library gives a function one signature only. */
function nodeCall(shape: Shape): Call {
  const { DynamicLibrary } = requireNodeFfi();
  return new DynamicLibrary(LIBRARY).getFunction(NOTHING, { return: 'i32', arguments: shape });
}
