/**
 * Which address is tried when: Happy Eyeballs Version 2 (RFC 8305), without names, sockets and errors.
 *
 *   AAAA and A are asked for at the same time.
 *   AAAA is there        ─► the first attempt starts.
 *   A is there before it ─► AAAA gets 50 ms more (the Resolution Delay), or until it has failed.
 *   Attempts alternate between the families, IPv6 first; the order within a family is the resolver's (RFC 6724).
 *   The next attempt starts when an attempt has failed, or when 250 ms (the Connection Attempt Delay) have passed since the
 *   latest one started; those before it go on. Addresses that come late take their turn.
 *
 * Success is not known here: whoever has it calls stop().
 */
import type { Scheduler, TimerHandle } from '../../platform/platform.ts';

/** Milliseconds that AAAA is waited for once A has come. RFC 8305, section 8. */
export const RESOLUTION_DELAY_MS = 50;
/** Milliseconds from one attempt to the next. RFC 8305, section 8. */
export const DEFAULT_ATTEMPT_DELAY_MS = 250;
/** Below it, attempts would flood a network that is merely slow: RFC 8305, section 8, "MUST NOT be less than 10 ms". */
export const MIN_ATTEMPT_DELAY_MS = 10;
/** Beyond it, waiting is what the user sees. RFC 8305, section 8. */
export const MAX_ATTEMPT_DELAY_MS = 2000;

/** The preferred family comes first. */
export const FAMILIES = [6, 4] as const;
export type Family = (typeof FAMILIES)[number];

export interface Race<Address> {
  /** Starts an attempt. It may have failed() before it returns. */
  attempt(address: Address): void;
  /** No attempt is under way, and no address left. Called once, and nothing after it. */
  exhausted(): void;
}

export class HappyEyeballs<Address> {
  readonly #scheduler: Scheduler;
  readonly #delay: number | null;
  readonly #race: Race<Address>;
  readonly #unresolved: Set<Family>;
  readonly #queues: Readonly<Record<Family, Address[]>> = { 4: [], 6: [] };
  /** The Resolution Delay before the first attempt, the Connection Attempt Delay after it. */
  #timer: TimerHandle | null = null;
  #started = false;
  /** The next address is to be tried as soon as there is one. */
  #due = false;
  #next: Family = 6;
  #running = 0;
  #over = false;

  /**
   * @param families that are being resolved
   * @param delay the Connection Attempt Delay, ms; null for attempts that must not run beside each other
   */
  constructor(scheduler: Scheduler, families: readonly Family[], delay: number | null, race: Race<Address>) {
    this.#scheduler = scheduler;
    this.#unresolved = new Set(families);
    this.#delay = delay;
    this.#race = race;
  }

  /** The resolver has answered for a family; without addresses when it knows none, or has failed. */
  resolved(family: Family, addresses: readonly Address[]): void {
    if (this.#over) return;
    this.#unresolved.delete(family);
    this.#queues[family].push(...addresses);
    if (this.#started) {
      if (this.#due) this.#advance();
    } else if (this.#unresolved.size === 0 || (family === FAMILIES[0] && addresses.length > 0)) {
      this.#advance();
    } else if (addresses.length > 0) {
      this.#arm(RESOLUTION_DELAY_MS);
    }
  }

  failed(): void {
    if (this.#over) return;
    this.#running--;
    this.#advance();
  }

  /** One has succeeded, or nobody wants one any more: starts nothing from now on. */
  stop(): void {
    this.#over = true;
    this.#disarm();
  }

  readonly #advance = (): void => {
    this.#disarm();
    this.#started = true;
    const address = this.#take();
    this.#due = address === undefined;
    if (address !== undefined) {
      this.#running++;
      if (this.#delay !== null && this.#mayHaveMore()) this.#arm(this.#delay);
      this.#race.attempt(address);
    } else if (this.#running === 0 && this.#unresolved.size === 0) {
      this.#over = true;
      this.#race.exhausted();
    }
  };

  /** The next address, of the other family than the one before where there is one. */
  #take(): Address | undefined {
    const family = this.#queues[this.#next].length > 0 ? this.#next : otherThan(this.#next);
    const address = this.#queues[family].shift();
    if (address !== undefined) this.#next = otherThan(family);
    return address;
  }

  #mayHaveMore(): boolean {
    return this.#unresolved.size > 0 || FAMILIES.some((family) => this.#queues[family].length > 0);
  }

  #arm(ms: number): void {
    this.#timer = this.#scheduler.setTimer(ms, () => {
      this.#timer = null;
      this.#advance();
    });
  }

  #disarm(): void {
    if (this.#timer !== null) this.#scheduler.clearTimer(this.#timer);
    this.#timer = null;
  }
}

function otherThan(family: Family): Family {
  return family === 4 ? 6 : 4;
}
