/** Puts iocp-pal/net and iocp-pal/dgram in the place of what node:net and node:dgram export, and takes them away again. */
import nodeDgram from 'node:dgram';
import http from 'node:http';
import http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import nodeNet from 'node:net';
import { promisify } from 'node:util';
import { listenInFront } from '../http/front.ts';
import dgram from '../dgram/index.ts';
import net from '../net/index.ts';
import { countAsNodes, hasPrototype } from '../node-shape/callable-class.ts';

type Undo = () => void;
type Method = (this: object, ...args: unknown[]) => unknown;

/** They take Node's Socket and Server for their own classes when they are loaded. */
const BUILT_ON_NET = ['child_process', 'cluster', 'https', 'tls', 'tty'];

/** What of the exports is overwritten; the rest is the same already. */
const NAMES = ['Socket', 'Stream', 'Server', 'createServer', 'connect', 'createConnection'];
const DGRAM_NAMES = ['Socket', 'createSocket'];

/** @returns what undoes it */
export function overwriteModules(): Undo {
  // Not by imports of nothing, which bundlers leave out.
  for (const name of BUILT_ON_NET) process.getBuiltinModule(`node:${name}`);
  const { Socket: NodeSocket, Server: NodeServer, createConnection } = nodeNet;
  const { Server, Socket } = net;
  const undo = [
    connectSessionsOfNode(),
    ...NAMES.map((name) => put(nodeNet, name, Reflect.get(net, name))),
    ...DGRAM_NAMES.map((name) => put(nodeDgram, name, Reflect.get(dgram, name))),
    listenOnPal(NodeServer.prototype),
    // Node's modules call methods of `net.Server` and `net.Socket`, by these names, on servers and sockets of their own.
    ...methodsOf(NodeServer.prototype).map((name) => forNodes(Server.prototype, NodeServer, name)),
    ...methodsOf(NodeSocket.prototype)
      .filter((name) => typeof name === 'symbol' && !(name in Socket.prototype))
      .map((name) => put(Socket.prototype, name, Reflect.get(NodeSocket.prototype, name))),
  ];
  // Before Node.js 24 it is the function itself, which was taken when http was loaded.
  const agent = http.Agent.prototype as unknown as { createConnection: unknown };
  if (agent.createConnection === createConnection) undo.push(put(agent, 'createConnection', net.createConnection));
  syncBuiltinESMExports();
  return () => {
    for (const step of undo.reverse()) step();
    syncBuiltinESMExports();
    // What exists goes on, and is asked what it is.
    countAsNodes(NodeSocket, Socket.prototype);
    countAsNodes(NodeServer, Server.prototype);
    countAsNodes(nodeDgram.Socket, dgram.Socket.prototype);
  };
}

/** Servers of http, https, http2 and tls are Node's, and listen with Node's listen. */
function listenOnPal(prototype: object): Undo {
  const listen = Reflect.get(prototype, 'listen') as Method;
  return put(prototype, 'listen', function (this: nodeNet.Server, ...args: unknown[]) {
    listenInFront(net, this, args, () => Reflect.apply(listen, this, args));
    return this;
  });
}

/** Sessions of http2 read and write a native handle: they are connected by Node's own net.connect(), which they look up here. */
function connectSessionsOfNode(): Undo {
  const { connect } = http2;
  const { connect: connectOfNode } = nodeNet;
  const onNodes = (call: unknown): Method =>
    function (this: object, ...args: unknown[]) {
      if (nodeNet.connect !== net.connect) return Reflect.apply(call as Method, this, args); // the program's own
      const undo = put(nodeNet, 'connect', connectOfNode);
      try {
        return Reflect.apply(call as Method, this, args);
      } finally {
        undo();
      }
    };
  const promised = Reflect.get(connect, promisify.custom) as unknown;
  return put(http2, 'connect', Object.assign(onNodes(connect), { [promisify.custom]: onNodes(promised) }));
}

/** A method of ours that leaves an object of Node's to Node's method of that name. */
function forNodes(ours: object, NodeClass: typeof nodeNet.Server, name: string | symbol): Undo {
  const own = Reflect.get(ours, name) as Method | undefined;
  const nodes = Reflect.get(NodeClass.prototype, name) as Method;
  return put(ours, name, function (this: object, ...args: unknown[]) {
    return Reflect.apply(hasPrototype(this, NodeClass.prototype) || own === undefined ? nodes : own, this, args);
  });
}

function methodsOf(prototype: object): (string | symbol)[] {
  return Reflect.ownKeys(prototype).filter((name) => {
    const method = Object.getOwnPropertyDescriptor(prototype, name);
    return name !== 'constructor' && typeof method?.value === 'function';
  });
}

function put(target: object, name: string | symbol, value: unknown): Undo {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable ?? false,
  });
  return () => {
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  };
}
