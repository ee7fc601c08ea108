/**
 * A simulated Windows for tests: sockets and completion ports in memory, decided by a seed.
 *
 * @example
 * const platform = simulatePlatform({ seed: 7 });
 * const pal = createNetworkPal({ platform });
 * pal.initialize();
 * const ended = pal.runEventLoop();
 * // … asyncConnect, asyncRead, asyncWrite …
 * await platform.settle(); // lets everything happen that can; or run(), without promises
 * await ended;
 */
import { SimulatedNetwork, type NetworkOptions } from './network.ts';
import type { PlatformOptions, SimulatedPlatform } from './platform.ts';

/** Options of simulatePlatform. */
export interface SimulationOptions extends NetworkOptions, PlatformOptions {
  /** The network to join, instead of one of its own; the network's options are then its own too. */
  network?: SimulatedNetwork | undefined;
}

/** A simulated process, to be passed to createNetworkPal as its platform. */
export function simulatePlatform(options: SimulationOptions = {}): SimulatedPlatform {
  const network = options.network ?? new SimulatedNetwork(options);
  return network.platform(options);
}

/** A simulated network that several processes share: `network.platform()` makes one. */
export function simulateNetwork(options: NetworkOptions = {}): SimulatedNetwork {
  return new SimulatedNetwork(options);
}

export { ChoiceTree, firstChoice, scriptedChoices, seededChoices, type Choices } from './schedule/choices.ts';
export { CALL_FAULTS, STATUS_FAULTS, type FaultOptions, type PlannedFault } from './machine/faults.ts';
export type { PlatformOptions, SimulatedPlatform } from './platform.ts';
export type { NetworkOptions, SimulatedNetwork } from './network.ts';
export { PROFILES, type Profile, type ProfileName } from './machine/profile.ts';
export { SimulationError } from './machine/simulation-error.ts';
