/**
 * Connecting a Socket: what is refused, and the lookup. attempt.ts tries one address, attempts.ts several.
 *
 * The lookup is dns.lookup, as node:net does it, and its events are node:net's; the PAL connects to addresses only.
 */
import dns, { type LookupAddress } from 'node:dns';
import nodeNet, { isIP } from 'node:net';
import { nextTick } from '../platform/node-timers.ts';
import { isPort, textOrNone } from './arguments.ts';
import { connectToOne, fail } from './attempt.ts';
import { tryAddresses } from './attempts.ts';
import { wrongAddress } from './errors.ts';
import { refuse } from '../node-shape/errors.ts';
import { connectToPipe } from './pipe-stream.ts';
import type { TcpSocket } from './socket.ts';

const NodeSocket = nodeNet.Socket;

/** Node's options of socket.connect(), as they may come from JavaScript. */
export interface ConnectOptions {
  readonly port?: number | string;
  readonly host?: string;
  readonly path?: string;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly family?: number | 'IPv4' | 'IPv6';
  readonly hints?: number;
  readonly lookup?: nodeNet.LookupFunction;
  readonly autoSelectFamily?: boolean;
  readonly autoSelectFamilyAttemptTimeout?: number;
  readonly timeout?: number;
}

/** Throws what node:net throws for options that make no sense. */
export function checkConnectOptions(options: ConnectOptions): void {
  const { port, host = 'localhost', localAddress, localPort, autoSelectFamily } = options;
  const { path } = options as { readonly path?: unknown };
  if (typeof path === 'string' && path !== '') return;
  const { lookup, autoSelectFamilyAttemptTimeout: wait } = options;
  const right =
    !path &&
    (port === undefined ? path !== undefined : isPort(port)) &&
    (!host || (typeof host === 'string' && !host.includes('\0'))) &&
    (!localAddress || isIP(localAddress) !== 0) &&
    (!localPort || typeof localPort === 'number') &&
    ((autoSelectFamily ?? null) === null || typeof autoSelectFamily === 'boolean') &&
    ((wait ?? null) === null || (Number.isInteger(wait) && Number(wait) >= 1)) &&
    ((lookup ?? null) === null || typeof lookup === 'function' || isIP(host) !== 0);
  if (right) return;
  const asked = new NodeSocket();
  try {
    refuse(() => asked.connect(options as nodeNet.SocketConnectOpts));
  } finally {
    asked.on('error', () => undefined).destroy();
  }
}

/** Begins: the options are right, and the socket is `connecting`. */
export function lookupAndConnect(socket: TcpSocket, options: ConnectOptions): void {
  const { localAddress, localPort, path } = options;
  if (path) return connectToPipe(socket, path);
  const host = textOrNone(options.host) ?? 'localhost';
  const port = Number(options.port ?? 0);
  const family = isIP(host);
  if (family === 4 || family === 6) {
    nextTick(() => {
      if (socket.connecting) connectToOne(socket, { address: host, family, port, localAddress, localPort });
    });
    return;
  }
  socket._host = host;
  const asked = { family: familyNumber(options.family), hints: options.hints ?? 0 };
  const every = options.autoSelectFamily ?? nodeNet.getDefaultAutoSelectFamily();
  const wait = options.autoSelectFamilyAttemptTimeout ?? nodeNet.getDefaultAutoSelectFamilyAttemptTimeout();
  const lookup = options.lookup ?? dns.lookup;
  if (every && asked.family !== 4 && asked.family !== 6 && !localAddress) {
    lookup(host, { ...asked, all: true }, (error, addresses) => {
      if (error !== null) return lookupFailed(socket, error, host);
      tryAddresses(socket, host, options, addresses as LookupAddress[], Math.max(10, wait));
    });
    return;
  }
  lookup(host, asked, (error, address, found) => {
    socket.emit('lookup', error, address, found, host);
    if (!socket.connecting) return;
    if (error !== null) return fail(socket, error);
    const wrong = wrongAddress(address, found, { address: options.host, port: Number(options.port) });
    if (wrong !== null) return fail(socket, wrong);
    socket._unrefTimer();
    connectToOne(socket, {
      address: address as string,
      family: found as 4 | 6,
      port,
      localAddress,
      localPort,
    });
  });
}

function lookupFailed(socket: TcpSocket, error: Error, host: string): void {
  if (!socket.connecting) return;
  socket.emit('lookup', error, undefined, undefined, host);
  fail(socket, error);
}

function familyNumber(family: ConnectOptions['family']): number | undefined {
  if (family === 'IPv4') return 4;
  return family === 'IPv6' ? 6 : family;
}
