/** Writes every call of a table into the trace: its name, its arguments, and what came of it. */
import { describeSystemError } from '../../../ffi/system-error.ts';
import { ERROR_IO_PENDING, WAIT_TIMEOUT } from '../../../ffi/wsa-errors.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { hex } from '../memory/memory.ts';

type Call = (...args: number[]) => unknown;

/** Read by the caller of the call before, so not worth a line of their own. */
const SILENT = new Set(['WSAGetLastError', 'GetLastError', 'VirtualAlloc', 'VirtualFree']);

/** The table itself, or one that traces, when the network keeps a trace. */
export function traced<Table extends object>(platform: SimulatedProcess, name: string, table: Table): Table {
  if (!platform.network.isTracing) return table;
  const calls = table as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(Object.getPrototypeOf(table))) {
    const method = calls[key];
    if (key === 'constructor' || typeof method !== 'function') continue;
    const call = method.bind(table) as Call;
    if (SILENT.has(key)) result[key] = call;
    // The functions behind extension pointers are traced where they are called.
    else if (name === 'mswsock') result[key] = (pointer: number) => tracedCall(platform, key, call(pointer) as Call);
    else result[key] = tracedCall(platform, key, call);
  }
  return result as Table;
}

function tracedCall(platform: SimulatedProcess, key: string, call: Call): Call {
  return (...args) => {
    const shown = args.map((arg) => (Math.abs(arg) > 65535 ? hex(arg) : String(arg))).join(', ');
    const place = platform.network.reserve();
    platform.lastError = 0;
    let outcome = 'threw';
    try {
      const result = call(...args);
      outcome = describe(result, platform.lastError);
      return result;
    } finally {
      platform.network.fill(place, () => `${platform.name}: ${key}(${shown}) = ${outcome}`);
    }
  };
}

function describe(result: unknown, lastError: number): string {
  if (typeof result !== 'number') return 'done';
  if (lastError === 0) return String(result);
  if (lastError === ERROR_IO_PENDING) return 'pending';
  if (lastError === WAIT_TIMEOUT) return 'nothing there';
  return `${result}, ${describeSystemError(lastError).name}`;
}
