/** The option proxyProtocol of a server, which node:net does not have: docs/accepting.md says what it does. */
import type nodeNet from 'node:net';
import { codedError } from './errors.ts';
import type { ProxyHeader, ProxyProtocolOptions } from '../pal/proxy-protocol.ts';
import { checkProxyProtocol } from '../proxy-protocol/proxy-settings.ts';

/** A socket of a server with proxyProtocol. Its remote address and port are the client's, where the header names them. */
export interface ProxiedSocket extends nodeNet.Socket {
  /**
   * The PROXY header with which the connection began; null for one of somebody who is none of the proxies. Undefined on sockets of all other
   * servers, so that any net.Socket is one in types.
   */
  readonly proxyHeader?: ProxyHeader | null;
}

/** Options of createServer, with whose PROXY headers are read. */
export interface ProxiedServerOptions extends nodeNet.ServerOpts {
  /** Whose headers are read and believed. Refused connections are told to 'proxyProtocolError', with the error. */
  proxyProtocol: ProxyProtocolOptions;
}

/** createServer, with the option that node:net does not have. */
export type CreateServer = typeof nodeNet.createServer &
  ((options: ProxiedServerOptions, connectionListener?: (socket: ProxiedSocket) => void) => nodeNet.Server);

/** node:net, with that. */
export type Net = typeof nodeNet & { readonly createServer: CreateServer };

/**
 * What somebody's options say of it, as a record of our own. Undefined where they say nothing.
 * @throws TypeError or RangeError with a code for values that make no sense
 */
export function proxyProtocolIn(options: unknown): ProxyProtocolOptions | undefined {
  const given = givenIn(options);
  return given === undefined ? undefined : checkProxyProtocol(given);
}

function givenIn(options: unknown): unknown {
  return typeof options === 'object' && options !== null ? Reflect.get(options, 'proxyProtocol') : undefined;
}

/** Whether somebody has given it. */
export function hasProxyProtocol(options: unknown): boolean {
  return givenIn(options) !== undefined;
}

/**
 * The error where Node's own server would listen: it does not know the option, and would give the header's bytes to the program as if
 * the client had sent them.
 * @param what listens, and why
 */
export function cannotRead(what: string): Error {
  return codedError(
    'ERR_INVALID_ARG_VALUE',
    `Cannot use proxyProtocol: ${what}, and Node's own servers read no PROXY headers. Leave the option out, and send-proxy out of ` +
      "the proxy's configuration",
  );
}

/** The socket says what its header has said. */
export function giveHeader(socket: nodeNet.Socket, header: ProxyHeader | null): void {
  Object.defineProperty(socket, 'proxyHeader', { value: header, configurable: true });
}
