/** The real kernel with a clock for timers that runs faster, so that what happens after seconds can be watched in tests. */
import type { PalOptions } from '../../src/index.ts';
import { windowsKernel } from '../../src/winsock/windows-kernel.ts';

/** Options of a PAL whose timers (the sweep for quiet connections among them) run `factor` times as fast. */
export function quickTimers(factor: number): () => PalOptions {
  return () => {
    const kernel = windowsKernel();
    const { scheduler } = kernel;
    return {
      kernel: {
        ...kernel,
        scheduler: { ...scheduler, setTimer: (ms, callback) => scheduler.setTimer(ms / factor, callback) },
      },
    };
  };
}
