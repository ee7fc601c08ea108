/** A simulated machine, for `--simulated` and for tests: nothing of it is Windows but what iocp-pal/sim knows about it. */
import process from 'node:process';
import { simulateNetwork, type KernelOptions, type SimulatedKernel } from '../sim/index.ts';
import type { Provider } from './catalog.ts';
import type { Machine } from './machine.ts';

/** What a test breaks. */
export interface SimulatedMachineOptions extends KernelOptions {
  /** Changes each kernel before it is used. */
  prepare?: (kernel: SimulatedKernel) => void;
}

/** Without numbers in the order of which things happen, so that two runs are alike. */
const SEED = 1;

export function simulatedMachine({ prepare, ...options }: SimulatedMachineOptions = {}): Machine {
  const network = simulateNetwork({ seed: SEED, segmentSize: 4096 });
  network.drive();
  let kernel: SimulatedKernel | undefined;
  let files = 0;
  const current = (): SimulatedKernel => {
    if (kernel === undefined) {
      kernel = network.kernel({ keepAlive: true, ...options });
      prepare?.(kernel);
    }
    return kernel;
  };
  return {
    simulated: true,
    kernel: current,
    catalog: () => simulatedCatalog(current()),
    facts: () =>
      Promise.resolve({
        system: { kernel: `simulated, profile ${current().profile.name}`, node: process.versions.node },
      }),
    withFile(bytes, use) {
      const path = `simulated-${++files}.bin`;
      current().files.put(path, bytes);
      return use(path);
    },
  };
}

/** What Windows has, and what KernelOptions.layeredProvider puts over it. */
function simulatedCatalog({ layeredProvider }: SimulatedKernel): Provider[] {
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
