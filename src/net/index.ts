/**
 * iocp-pal/net: node:net on I/O completion ports. A program changes one import.
 *
 * On systems other than Windows it is node:net itself. Its types are those of node:net everywhere. docs/coming-from-node-net.md
 * says call by call what is the same.
 *
 * @example
 * import net from 'iocp-pal/net';
 * net.createServer((socket) => socket.pipe(socket)).listen(7007);
 */
import nodeNet from 'node:net';
import { windowsNet } from './windows-net.ts';

/** The module, as `import net from 'node:net'` gives it. */
const net: typeof nodeNet = process.platform === 'win32' ? windowsNet : nodeNet;
export default net;

export const {
  BlockList,
  Server,
  Socket,
  SocketAddress,
  connect,
  createConnection,
  createServer,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} = net;

export type BlockList = nodeNet.BlockList;
export type Server = nodeNet.Server;
export type Socket = nodeNet.Socket;
export type SocketAddress = nodeNet.SocketAddress;
export type * from 'node:net';
