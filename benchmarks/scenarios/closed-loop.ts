/** The measurement that all closed loops share. */
import { NOTHING_MEASURED, type Cell, type Measurement, type Settings } from '../lib/scenario.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import { withUsage } from '../lib/usage.ts';
import { ClosedLoop } from '../load/closed-loop.ts';

/** Seconds of traffic before the measurement: compilers have settled by then, and every connection has had its turn. */
const WARM_UP_SECONDS = 1;

/** The loop of an echo. */
export async function measureClosedLoop(server: ServerProcess, cell: Cell, settings: Settings): Promise<Measurement> {
  return measureLoad(new ClosedLoop(cell.active, cell.messageBytes), server, cell, settings);
}

export async function measureLoad(
  load: ClosedLoop,
  server: ServerProcess,
  { connections, messageBytes }: Cell,
  { seconds }: Settings,
): Promise<Measurement> {
  try {
    await load.connect(server, connections);
    await load.warmUp(WARM_UP_SECONDS);
    const usage = await withUsage(server, () => load.measure(seconds));
    const { meter } = load;
    return {
      ...NOTHING_MEASURED,
      ...usage,
      ...meter.figures(),
      fairness: meter.fairness,
      megabytesPerSecond: (meter.perSecond * messageBytes) / 1e6,
    };
  } finally {
    load.close();
  }
}
