/** The options of createServer that say how many connections are accepted: defaults, and what is refused. */
import { argumentError } from '../../pal/network-error.ts';
import type { ServerOptions } from '../../pal/server-options.ts';
import { readProxySettings, type ProxySettings } from '../../proxy-protocol/proxy-settings.ts';
import { AcceptDepth } from '../accept/accept-depth.ts';
import type { AcceptLimitSettings } from '../accept/accept-limits.ts';
import { requireInteger, requireOneOf, requireFunction } from '../../util/validate.ts';
import { MAX_SOCKETS } from '../../sockets/socket-table.ts';

/** What a server without arrivals keeps posted: as many as libuv always does. */
const DEFAULT_MIN_DEPTH = 32;
/** What a busy one keeps posted at most. Deeper pools were no faster; this one pins 320 KiB. */
const DEFAULT_MAX_DEPTH = 512;
const MAX_DEPTH = 1024;
/** Connections per second at most: more than any machine accepts. */
const MAX_ACCEPT_RATE = 1_000_000;

/** Throws TypeError or RangeError with a code for values that make no sense. */
export function resolveAccepting(options: ServerOptions): {
  depth: AcceptDepth;
  limits: AcceptLimitSettings;
  proxy: ProxySettings | null;
} {
  const { whenFull = 'pause' } = options;
  requireOneOf('whenFull', whenFull, ['pause', 'close']);
  for (const name of ['onLimit', 'onAcceptError'] as const) {
    if (options[name] !== undefined) requireFunction(name, options[name]);
  }
  return {
    proxy: resolveProxy(options),
    depth: resolveDepth(options.acceptDepth),
    limits: {
      maxConnections: limit('maxConnections', options.maxConnections, MAX_SOCKETS),
      maxConnectionsPerAddress: limit('maxConnectionsPerAddress', options.maxConnectionsPerAddress, MAX_SOCKETS),
      acceptRate: limit('acceptRate', options.acceptRate, MAX_ACCEPT_RATE),
      whenFull,
    },
  };
}

function resolveProxy({ proxyProtocol, spread, deferAssociation }: ServerOptions): ProxySettings | null {
  if (proxyProtocol === undefined) return null;
  const settings = readProxySettings(proxyProtocol);
  const other = spread !== undefined ? 'spread' : deferAssociation === true ? 'deferAssociation' : null;
  if (other === null) return settings;
  // Who has read from a connection has tied it to this loop.
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot use proxyProtocol together with ${other}: the header is read here, and the connection could not go to another ` +
      'loop any more. Give each loop a server of its own (exportSocket, importServer)',
  );
}

function resolveDepth(given: ServerOptions['acceptDepth']): AcceptDepth {
  if (typeof given !== 'object' || (given as unknown) === null) {
    if (given === undefined) return new AcceptDepth(DEFAULT_MIN_DEPTH, DEFAULT_MAX_DEPTH);
    requireInteger('acceptDepth', given, 1, MAX_DEPTH);
    return new AcceptDepth(given, given);
  }
  if (given.min !== undefined) requireInteger('acceptDepth.min', given.min, 1, MAX_DEPTH);
  if (given.max !== undefined) requireInteger('acceptDepth.max', given.max, given.min ?? 1, MAX_DEPTH);
  const min = given.min ?? Math.min(DEFAULT_MIN_DEPTH, given.max ?? DEFAULT_MIN_DEPTH);
  return new AcceptDepth(min, given.max ?? Math.max(DEFAULT_MAX_DEPTH, min));
}

function limit(name: string, value: number | undefined, most: number): number {
  if (value === undefined) return Infinity;
  requireInteger(name, value, 1, most);
  return value;
}
