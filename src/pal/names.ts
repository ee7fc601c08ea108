/** Options of asyncConnect for host names. docs/names.md explains them. */
import type { LookupFunction } from 'node:net';

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
}
