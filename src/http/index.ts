/**
 * iocp-pal/http: servers of node:http, node:https, node:http2 and node:tls on I/O completion ports, as they are.
 *
 * @example
 * import http from 'node:http';
 * import { listen } from 'iocp-pal/http';
 * listen(http.createServer((request, response) => response.end('hello')), 8080);
 */
import type { Server } from 'node:net';
import net from '../net/index.ts';
import { cannotRead, hasProxyProtocol } from '../node-shape/proxy-protocol.ts';
import { listenInFront } from './front.ts';

/**
 * What server.listen(...args) does, on the PAL of the thread. The server keeps its methods and events; a pipe, a descriptor or a
 * handle is listened on by Node.js itself. On systems other than Windows it is server.listen(...args).
 * @returns the server
 * @throws what server.listen() throws for arguments that make no sense
 */
export function listen<S extends Server>(server: S, ...args: unknown[]): S {
  const listenItself = (): unknown => (server.listen as (...args: unknown[]) => unknown).apply(server, args);
  if (process.platform === 'win32') listenInFront(net, server, args, listenItself);
  else if (hasProxyProtocol(args[0])) throw cannotRead('on this system the server is listened on by Node.js');
  else listenItself();
  return server;
}
