/** Looking at, and writing to, native memory by address, as the kernel does. */
import { loadKoffi } from '../../ffi/koffi.ts';
import { OVERLAPPED } from '../../ffi/layouts.ts';
import type { Platform } from '../../src/index.ts';

/** A view of the process's own memory. */
export function viewAt(address: number, byteLength: number): DataView {
  return new DataView(loadKoffi().view(address, byteLength));
}

/** Completes an operation that was never submitted: its status, and the packet. */
export function completeByPacket(
  platform: Platform,
  port: number,
  key: number,
  overlapped: number,
  status: number,
): void {
  viewAt(overlapped, OVERLAPPED.size).setUint32(OVERLAPPED.Internal, status, true);
  platform.kernel32.PostQueuedCompletionStatus(port, 0, key, overlapped);
}
