/** The module as it is on Windows: everything that node:net exports, with Socket and Server on the PAL. */
import nodeNet from 'node:net';
import { normalizeArguments } from './arguments.ts';
import type { Net } from '../node-shape/proxy-protocol.ts';
import { Server } from './server.ts';
import { Socket } from './socket.ts';
import type { ConnectOptions } from './connect.ts';

function connect(...args: unknown[]): unknown {
  const normalized = normalizeArguments<ConnectOptions>(args);
  const [options] = normalized;
  // A pipe is Node's own.
  if (options.path) return Reflect.apply(nodeConnect, nodeNet, args);
  const socket = new Socket(options as object);
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket.connect(normalized);
}

const nodeConnect = nodeNet.connect as unknown as (...args: unknown[]) => unknown;

function createServer(...args: unknown[]): unknown {
  return Reflect.construct(Server, args);
}

export const windowsNet: Net = {
  ...nodeNet,
  Socket: Socket as unknown as typeof nodeNet.Socket,
  Server: Server as unknown as typeof nodeNet.Server,
  connect: connect as typeof nodeNet.connect,
  createConnection: connect as typeof nodeNet.createConnection,
  createServer: createServer as Net['createServer'],
};
Object.assign(windowsNet, { Stream: Socket });
