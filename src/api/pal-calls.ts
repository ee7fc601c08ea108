/** The calls that concern the PAL as a whole: its life, its memory, and what it says of itself. */
import type { Buffer } from 'node:buffer';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { NetworkStats } from '../pal/network-stats.ts';
import type { PalDescription } from '../pal/pal-description.ts';
import { inspectContext } from '../runtime/describe.ts';
import { collectStats } from '../runtime/stats.ts';
import { requireInteger } from '../util/validate.ts';
import { CallGroup } from './call-context.ts';

/** Largest allocateBuffer, bytes: 1 GiB. */
const MAX_BUFFER_SIZE = 2 ** 30;

export class PalCalls extends CallGroup {
  initialize(): void {
    this.calls.lifecycle.initialize();
  }

  runEventLoop(): Promise<void> {
    return this.calls.lifecycle.run();
  }

  stopEventLoop(): Promise<void> {
    return this.calls.lifecycle.stop();
  }

  isRunning(): boolean {
    return this.calls.lifecycle.isRunning;
  }

  allocateBuffer(size: number): Buffer {
    const context = this.calls.lifecycle.open('allocateBuffer');
    requireInteger('size', size, 1, MAX_BUFFER_SIZE);
    const buffer = context.pinned.allocate(size);
    if (buffer !== null) return buffer;
    throw new NetworkError(
      `Cannot allocate ${size} bytes of pinned memory: the system has none left. Keep fewer of these buffers, or smaller ones`,
      {
        kind: NetworkErrorCode.OutOfMemory,
        code: 'ENOMEM',
        syscall: 'VirtualAlloc',
      },
    );
  }

  stats(): NetworkStats {
    const { context, last } = this.calls.lifecycle.report('stats');
    return context === null ? structuredClone(last.stats) : collectStats(context);
  }

  inspect(): PalDescription {
    const { context, last } = this.calls.lifecycle.report('inspect');
    return context === null ? structuredClone(last.description) : inspectContext(context, this.calls.lifecycle.stage);
  }

  describe(): string {
    return this.calls.lifecycle.describe();
  }
}
