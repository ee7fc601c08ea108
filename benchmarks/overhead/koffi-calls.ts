/**
 * Nanoseconds per koffi call, for each shape of call on the hot path.
 *
 * The shapes are declared on GetCurrentProcessId, which takes no arguments and does nothing: in the Windows x64 and arm64
 * conventions the caller owns the arguments, so more of them than the function reads are harmless. What is measured is
 * the crossing.
 */
import { loadKoffi } from '../../ffi/koffi.ts';

const CALLS = 1_000_000;
const ROUNDS = 5;

const SHAPES = {
  'WSAGetLastError ()': 'int __stdcall GetCurrentProcessId()',
  'GetQueuedCompletionStatusEx (6)':
    'int __stdcall GetCurrentProcessId(intptr_t a, uintptr_t b, uint32_t c, uintptr_t d, uint32_t e, int f)',
  'WSARecv (7)':
    'int __stdcall GetCurrentProcessId(uintptr_t a, uintptr_t b, uint32_t c, uintptr_t d, uintptr_t e, uintptr_t f, uintptr_t g)',
  'WSASend (7)':
    'int __stdcall GetCurrentProcessId(uintptr_t a, uintptr_t b, uint32_t c, uintptr_t d, uint32_t e, uintptr_t f, uintptr_t g)',
} as const;

type AnyCall = (...args: number[]) => number;

/** Median nanoseconds per call of each shape. */
export function measureKoffiCalls(): { shape: string; nanoseconds: number }[] {
  const kernel32 = loadKoffi().load('kernel32.dll');
  return Object.entries(SHAPES).map(([shape, declaration]) => {
    const call = kernel32.func(declaration) as AnyCall;
    const rounds = Array.from({ length: ROUNDS }, () => time(call)).sort((a, b) => a - b);
    return { shape, nanoseconds: rounds[Math.floor(ROUNDS / 2)] ?? 0 };
  });
}

function time(call: AnyCall): number {
  const address = 0x7ff0_1234_5678;
  const start = process.hrtime.bigint();
  for (let index = 0; index < CALLS; index++) call(320, address, 1, 0, address, address, 0);
  return Number(process.hrtime.bigint() - start) / CALLS;
}
