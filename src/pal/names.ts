/** Options of asyncConnect for host names. docs/names.md explains them. */
import type { LookupFunction } from 'node:net';
import type { Endpoint } from './handles.ts';
import type { NetworkError } from './network-error.ts';

/** How a host name becomes a connection. Without meaning where the address is one already, apart from `family`. */
export interface NameOptions {
  /** Which addresses to ask for: 4, 6, or 0 (the default) for both. */
  family?: 0 | 4 | 6 | undefined;
  /**
   * Resolves the name in place of dns.lookup, in node:net's form. Called once for each family, with
   * `{ family, all: true }`. Only its first answer counts; an answer that comes too late is ignored.
   */
  lookup?: LookupFunction | undefined;
  /**
   * Milliseconds that an attempt is given before the next address is tried beside it, 10 … 2000. Default 250, and 100 at
   * least is what RFC 8305 recommends.
   */
  attemptDelay?: number | undefined;
  /**
   * Told of each address that is tried: once when its attempt begins, with error null, and again when it has failed. The attempt that
   * succeeds is the connection's `peer`; those that are given up then are not told any more. Never called after the connect's callback.
   */
  onAttempt?: AttemptCallback | undefined;
}

/** Told of an attempt: where to, and what it has failed with; null when it begins. */
export type AttemptCallback = (error: NetworkError | null, peer: Endpoint) => void;
