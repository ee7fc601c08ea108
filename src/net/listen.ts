/**
 * Where a Server listens: the forms of listen(), and which of them are Node's own.
 * Source: https://nodejs.org/api/net.html#serverlisten
 */
import type nodeNet from 'node:net';
import { isPort, normalizeArguments, textOrNone, toNumber } from './arguments.ts';

/** Node's options of listen(), as they may come from JavaScript. */
export interface ListenOptions extends Omit<nodeNet.ListenOptions, 'port' | 'host'> {
  readonly port?: number | string | null | undefined;
  readonly host?: string | undefined;
  readonly fd?: number | undefined;
  readonly reusePort?: boolean | undefined;
  readonly handle?: object | undefined;
  readonly _handle?: object | undefined;
}

/** A port of TCP. */
export interface TcpPlace {
  readonly port: number;
  /** A name or an address; undefined for all addresses of this machine. */
  readonly host: string | undefined;
  readonly backlog: number;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Connections that wait to be accepted, as Node.js has it. */
const DEFAULT_BACKLOG = 511;
/** What listen() of Winsock takes at most. */
const MAX_BACKLOG = 0x7fffffff;

/**
 * @returns the port to listen on, or null for everything else: a pipe, a descriptor, a handle, or a cluster's worker, which are
 *   Node's own, and what makes no sense, which Node.js refuses in its own words
 */
export function readListenArguments(args: readonly unknown[]): TcpPlace | null {
  const [options] = normalizeArguments<ListenOptions>(args);
  const { handle, _handle, fd, signal, exclusive, reusePort } = options;
  if (handle !== undefined || _handle !== undefined) return null;
  if (signal !== undefined && !(signal instanceof AbortSignal)) return null;
  if (typeof fd === 'number' && fd >= 0) return null;
  const port = isAnyPort(args, options) ? 0 : options.port;
  if (!isPort(port)) return null;
  if (isClusterWorker() && exclusive !== true && reusePort !== true) return null;
  const backlog = [options.backlog, args[1], args[2]].map(toNumber).find(Boolean);
  return {
    port: Number(port),
    host: textOrNone(options.host),
    backlog: Math.min(Math.max(1, Math.trunc(Number(backlog ?? DEFAULT_BACKLOG))), MAX_BACKLOG),
    ipv6Only: options.ipv6Only === true,
    reusePort: reusePort === true,
    signal,
  };
}

/** listen(), listen(null), listen(callback), and a port that is there and says nothing. */
function isAnyPort(args: readonly unknown[], options: ListenOptions): boolean {
  if (args.length === 0 || typeof args[0] === 'function' || options.port === null) return true;
  return options.port === undefined && 'port' in options;
}

/** A worker of node:cluster gets its connections from the primary. */
function isClusterWorker(): boolean {
  // Loaded here, as Node.js does, since few programs need it.
  return (process.getBuiltinModule('node:cluster') as unknown as { readonly isWorker: boolean }).isWorker;
}
