/** How many handles this process has. */
import process from 'node:process';
import { loadKoffi } from '../../ffi/koffi.ts';
import type { NativeMemory } from '../../ffi/memory.ts';
import { loadProcessFunctions } from '../../ffi/process.ts';
import {
  loadSystemInformation,
  SYSTEM_HANDLE_INFORMATION_EX as HEAD,
  SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX as ENTRY,
  SystemExtendedHandleInformation,
} from './system-handles.ts';

/** Room for 100 000 handles of the whole system, 40 bytes each. */
const TABLE_BYTES = 4 * 2 ** 20;

/**
 * Returns a function that counts. Wine 8 has GetProcessHandleCount, and it answers 0; but it lists all handles of all
 * processes truly, and a list can be counted.
 */
export function handleCounter(memory: NativeMemory): () => number {
  const functions = { ...loadProcessFunctions(loadKoffi()), ...loadSystemInformation(loadKoffi()) };
  const region = memory.allocate(TABLE_BYTES);
  if (region === null) throw new Error('No memory for the table of handles');
  const view = new DataView(region.buffer);
  const { address } = region;
  return () => {
    if (functions.GetProcessHandleCount(functions.GetCurrentProcess(), address) !== 0) {
      const count = view.getUint32(0, true);
      if (count > 0) return count;
    }
    const status = functions.NtQuerySystemInformation(SystemExtendedHandleInformation, address, TABLE_BYTES, 0, 0, 0);
    if (status < 0) throw new Error(`NtQuerySystemInformation failed with 0x${(status >>> 0).toString(16)}`);
    const all = Number(view.getBigUint64(HEAD.NumberOfHandles, true));
    let ours = 0;
    for (let index = 0; index < all; index++) {
      const pid = view.getBigUint64(HEAD.Handles + index * ENTRY.size + ENTRY.UniqueProcessId, true);
      if (Number(pid) === process.pid) ours++;
    }
    return ours;
  };
}
