/** A simulated machine, for `--simulated` and for tests: nothing of it is Windows but what iocp-pal/sim knows about it. */
import process from 'node:process';
import { simulateNetwork, type PlatformOptions, type SimulatedPlatform } from '../sim/index.ts';
import type { Provider } from './catalog.ts';
import type { Machine } from './machine.ts';

export interface SimulatedMachineOptions extends PlatformOptions {
  /** Changes each kernel before it is used. */
  prepare?: (platform: SimulatedPlatform) => void;
  /** So many of its milliseconds are one of real time. Default 1. */
  speed?: number;
}

/** Without numbers in the order of which things happen, so that two runs are alike. */
const SEED = 1;

export function simulatedMachine({ prepare, speed, ...options }: SimulatedMachineOptions = {}): Machine {
  const network = simulateNetwork({ seed: SEED, segmentSize: 4096 });
  network.drive(speed);
  let platform: SimulatedPlatform | undefined;
  let files = 0;
  const current = (): SimulatedPlatform => {
    if (platform === undefined) {
      platform = network.platform({ keepAlive: true, ...options });
      prepare?.(platform);
    }
    return platform;
  };
  return {
    simulated: true,
    platform: current,
    catalog: () => simulatedCatalog(current()),
    facts: () =>
      Promise.resolve({
        system: { platform: `simulated, profile ${current().profile.name}`, node: process.versions.node },
      }),
    withFile(bytes, use) {
      const path = `simulated-${++files}.bin`;
      current().files.put(path, bytes);
      return use(path);
    },
  };
}

/** What Windows has, and what PlatformOptions.layeredProvider puts over it. */
function simulatedCatalog({ layeredProvider }: SimulatedPlatform): Provider[] {
  const base = (['TCP', 'UDP'] as const).flatMap((protocol) =>
    ([4, 6] as const).map((family) => ({
      name: `simulated ${protocol}/IPv${family}`,
      protocol,
      family,
      realHandles: true,
      chainLength: 1,
    })),
  );
  if (!layeredProvider) return base;
  return [{ name: 'simulated layer', protocol: 'TCP', family: 4, realHandles: false, chainLength: 2 }, ...base];
}
