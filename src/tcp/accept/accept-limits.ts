/**
 * How many connections a server may take: in all, from one address, and per second. Counts only, and knows no sockets.
 *
 * A connection counts from its accept to its closesocket. With 'pause' the count is exact without refusing anybody: no
 * more accepts are posted than there is room for, so what they bring always fits. With 'close' accepts are posted freely,
 * and each connection is checked when it has come.
 *
 * The rate is a token bucket of one second's worth: full at the start, one token per connection, refilled steadily.
 */
import type { AcceptLimit, WhenFull } from '../../pal/server-options.ts';

/** The limits of one server; Infinity where there is none. */
export interface AcceptLimitSettings {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Connections per second. */
  readonly acceptRate: number;
  readonly whenFull: WhenFull;
}

export const NO_LIMITS: AcceptLimitSettings = {
  maxConnections: Infinity,
  maxConnectionsPerAddress: Infinity,
  acceptRate: Infinity,
  whenFull: 'pause',
};

export class AcceptLimits {
  readonly #settings: AcceptLimitSettings;
  /** Open connections by remote address; kept only where it counts. */
  readonly #byAddress: Map<string, number> | null;
  #open = 0;
  #tokens: number;
  #refilledAt: number;

  /** @param now milliseconds, as in every call. */
  constructor(settings: AcceptLimitSettings, now: number) {
    this.#settings = settings;
    this.#byAddress = settings.maxConnectionsPerAddress === Infinity ? null : new Map();
    this.#tokens = settings.acceptRate;
    this.#refilledAt = now;
  }

  get open(): number {
    return this.#open;
  }

  /** Accepts that may be under way now: as many as can succeed. Infinity when nothing waits for room. */
  room(now: number): number {
    const { maxConnections, acceptRate, whenFull } = this.#settings;
    if (whenFull === 'close') return Infinity;
    const places = Math.max(0, maxConnections - this.#open);
    return acceptRate === Infinity ? places : Math.min(places, Math.floor(this.#refill(now)));
  }

  /** Why there is no room now, or null when there is. */
  blockedBy(now: number): AcceptLimit | null {
    if (this.room(now) > 0) return null;
    return this.#open >= this.#settings.maxConnections ? 'maxConnections' : 'acceptRate';
  }

  /** Milliseconds until the rate leaves room for one more connection, at least 1. */
  msUntilRoom(now: number): number {
    return Math.max(1, Math.ceil(((1 - this.#refill(now)) * 1000) / this.#settings.acceptRate));
  }

  /**
   * Why a connection that was accepted must be closed at once, or null when it may stay.
   * @param address null while it is not known whose it is
   */
  refusal(address: string | null, now: number): AcceptLimit | null {
    const { maxConnections, acceptRate, whenFull } = this.#settings;
    if (address !== null && this.isFullFor(address)) {
      this.turnedAway(now);
      return 'maxConnectionsPerAddress';
    }
    if (whenFull === 'pause') return null;
    if (this.#open >= maxConnections) return 'maxConnections';
    return acceptRate !== Infinity && this.#refill(now) < 1 ? 'acceptRate' : null;
  }

  /** Whether an address has as many connections as one may have. */
  isFullFor(address: string): boolean {
    return this.#byAddress !== null && (this.#byAddress.get(address) ?? 0) >= this.#settings.maxConnectionsPerAddress;
  }

  /** A connection was accepted that is closed at once for a reason of its own: it counts for the rate that its accept was posted under. */
  turnedAway(now: number): void {
    if (this.#settings.whenFull === 'pause') this.#spend(now);
  }

  /** A connection stays. @param address null while it is not known whose it is: then named() follows */
  opened(address: string | null, now: number): void {
    this.#open++;
    this.#spend(now);
    if (address !== null) this.named(address);
  }

  /** It is known now whose an open connection is. */
  named(address: string): void {
    if (this.#byAddress !== null) this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
  }

  /** Its socket is closed. @param address null when it never was known whose it is */
  closed(address: string | null): void {
    this.#open--;
    if (this.#byAddress === null || address === null) return;
    const left = (this.#byAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }

  #spend(now: number): void {
    if (this.#settings.acceptRate !== Infinity) this.#tokens = this.#refill(now) - 1;
  }

  /** Tokens in the bucket now. */
  #refill(now: number): number {
    const { acceptRate } = this.#settings;
    this.#tokens = Math.min(acceptRate, this.#tokens + ((now - this.#refilledAt) * acceptRate) / 1000);
    this.#refilledAt = now;
    return this.#tokens;
  }
}
