/** What the simulated network does to datagrams: by default nothing. */
import type { Choices } from './choices.ts';

/** Options of simulateNetwork about datagrams. */
export interface PacketLossOptions {
  /** One in so many datagrams is lost. Default: none. */
  lose?: number | undefined;
  /** One in so many arrives again. Default: none. */
  double?: number | undefined;
  /** Datagrams of one socket may overtake one another. Default false. */
  reorder?: boolean | undefined;
}

export class PacketLoss {
  readonly reorders: boolean;
  readonly #network: { readonly choices: Choices };
  readonly #options: PacketLossOptions;

  constructor(network: { readonly choices: Choices }, options: PacketLossOptions) {
    this.#network = network;
    this.#options = options;
    this.reorders = options.reorder ?? false;
  }

  loses(): boolean {
    return this.#happens(this.#options.lose);
  }

  doubles(): boolean {
    return this.#happens(this.#options.double);
  }

  #happens(oneIn: number | undefined): boolean {
    return oneIn !== undefined && this.#network.choices.pick(oneIn) === oneIn - 1;
  }
}
