/**
 * iocp-pal/net: node:net on I/O completion ports. A program changes one import.
 *
 * On systems other than Windows it is node:net itself, but that createServer refuses the option proxyProtocol. Its types are those of node:net everywhere. docs/coming-from-node-net.md
 * says call by call what is the same.
 *
 * @example
 * import net from 'iocp-pal/net';
 * net.createServer((socket) => socket.pipe(socket)).listen(7007);
 */
import nodeNet from 'node:net';
import { cannotRead, hasProxyProtocol, type Net } from '../node-shape/proxy-protocol.ts';
import { windowsNet } from './windows-net.ts';

/** The module, as `import net from 'node:net'` gives it. */
const net: Net = process.platform === 'win32' ? windowsNet : elsewhere();
export default net;

/** node:net, which would not look at the option: then the header's bytes would seem to be the client's. */
function elsewhere(): Net {
  const createServerOfNode = nodeNet.createServer as (...args: unknown[]) => nodeNet.Server;
  function createServer(...args: unknown[]): nodeNet.Server {
    if (hasProxyProtocol(args[0])) throw cannotRead('iocp-pal/net is node:net on this system');
    return createServerOfNode(...args);
  }
  return { ...nodeNet, createServer };
}

/** Rules that say which addresses are blocked: Node's own class. */
export const BlockList = net.BlockList;
export type BlockList = nodeNet.BlockList;
/** An address with its port, to hand on between threads: Node's own class. */
export const SocketAddress = net.SocketAddress;
export type SocketAddress = nodeNet.SocketAddress;
/** net.Server, on a listening socket of the PAL. What listens on a pipe or a descriptor is Node's own. */
export const Server = net.Server;
export type Server = nodeNet.Server;
/** net.Socket, on a connection of the PAL. With a descriptor or a native handle it is Node's own. */
export const Socket = net.Socket;
export type Socket = nodeNet.Socket;
/** Makes a Socket and connects it. A pipe's is Node's own. */
export const connect = net.connect;
/** The same as connect. */
export const createConnection = net.createConnection;
/** Makes a Server, which does not listen yet. With proxyProtocol, on Windows, its sockets know their clients behind a proxy. */
export const createServer = net.createServer;
/** 4 or 6 for an address of that family, 0 for what is none. */
export const isIP = net.isIP;
/** Whether a text is an IPv4 address. */
export const isIPv4 = net.isIPv4;
/** Whether a text is an IPv6 address. */
export const isIPv6 = net.isIPv6;
/** Whether all addresses of a name are tried, where connect() is not told. One setting for this module and node:net. */
export const getDefaultAutoSelectFamily = net.getDefaultAutoSelectFamily;
/** Changes that. */
export const setDefaultAutoSelectFamily = net.setDefaultAutoSelectFamily;
/** How long one address is tried before the next, where connect() is not told, in milliseconds. */
export const getDefaultAutoSelectFamilyAttemptTimeout = net.getDefaultAutoSelectFamilyAttemptTimeout;
/** Changes that, in milliseconds. */
export const setDefaultAutoSelectFamilyAttemptTimeout = net.setDefaultAutoSelectFamilyAttemptTimeout;

export type { CreateServer, Net, ProxiedServerOptions, ProxiedSocket } from '../node-shape/proxy-protocol.ts';
export { socketOver, type ConnectionFacts } from './socket-over.ts';
export type * from 'node:net';
