/**
 * The sockets of Node.js, as the promises want them: where there is no PAL, a program is written and tested on these. What only a
 * PAL can do (depth of accepts, rates, limits per address, sizes of buffers of accepted sockets) has no effect here.
 */
import { createSocket, type SocketType } from 'node:dgram';
import type { EventEmitter } from 'node:events';
import { createServer, isIPv6, Socket } from 'node:net';
import type { Endpoint } from '../../pal/handles.ts';
import type { AttemptCallback } from '../../pal/names.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import { nodeScheduler } from '../../platform/node-scheduler.ts';
import type { OperationName } from '../../util/errors.ts';
import { readProxySettings } from '../../proxy-protocol/proxy-settings.ts';
import { requireFunction, requireInteger } from '../../util/validate.ts';
import { bounded } from './deadline.ts';
import { DEFAULT_HOST, type NetworkSockets } from './network-sockets.ts';
import { NodeDatagrams } from './node-datagrams.ts';
import { networkError } from './node-error.ts';
import { NodeListeningSocket } from './node-listening-socket.ts';
import { NodeProxyHeaders } from './node-proxy-headers.ts';
import { NodeStream } from './node-stream.ts';

const MAX_PORT = 65_535;

export const nodeSockets: NetworkSockets = {
  scheduler: nodeScheduler,

  async listen({ host = DEFAULT_HOST, port = 0, backlog, ipv6Only, exclusive, noDelay, ...options }) {
    const { proxyProtocol, onAcceptError = () => undefined } = options;
    requireInteger('port', port, 0, MAX_PORT);
    requireFunction('onAcceptError', onAcceptError);
    const proxy = proxyProtocol === undefined ? null : readProxySettings(proxyProtocol);
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay });
    const address = host === 'localhost' ? DEFAULT_HOST : host;
    server.listen({ host: address, port, backlog, ipv6Only, exclusive });
    await happens(server, 'listening', 'listen');
    return new NodeListeningSocket(server, proxy === null ? null : new NodeProxyHeaders(proxy, onAcceptError));
  },

  async connect(options) {
    const { host = DEFAULT_HOST, port, family = 0, lookup, attemptDelay, onAttempt } = options;
    const { localAddress, localPort, noDelay } = options;
    requireInteger('port', port, 1, MAX_PORT);
    const attempts = { autoSelectFamily: family === 0, autoSelectFamilyAttemptTimeout: attemptDelay };
    const from = { localAddress, localPort };
    const socket = new Socket({ allowHalfOpen: true });
    if (noDelay === true) socket.setNoDelay(true);
    if (onAttempt !== undefined) tellAttempts(socket, onAttempt);
    try {
      socket.connect(given({ host, port, family, lookup, ...from, ...attempts }));
      await happens(socket, 'connect', 'connect', options);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new NodeStream(socket);
  },

  async bindUdp({ host = DEFAULT_HOST, port = 0, reuseAddr, exclusive, ipv6Only, broadcast, ...options }) {
    requireInteger('port', port, 0, MAX_PORT);
    const { receiveBufferSize: recvBufferSize, sendBufferSize, maxQueuedReceiveBytes } = options;
    const type: SocketType = isIPv6(host) ? 'udp6' : 'udp4';
    const socket = createSocket(given({ type, reuseAddr, ipv6Only, recvBufferSize, sendBufferSize }));
    try {
      socket.bind(given({ address: host, port, exclusive }));
      await happens(socket, 'listening', 'bind');
    } catch (error) {
      socket.close();
      throw error;
    }
    if (broadcast === true) socket.setBroadcast(true);
    return new NodeDatagrams(socket, maxQueuedReceiveBytes);
  },

  allocateBuffer(bytes) {
    return Buffer.alloc(bytes); // Node.js copies none
  },
};

/** Those of the names that Node.js tries several addresses of; of an only one it says nothing. */
function tellAttempts(socket: Socket, onAttempt: AttemptCallback): void {
  const peerOf = (address: string, port: number): Endpoint => ({ address, port, family: isIPv6(address) ? 6 : 4 });
  socket.on('connectionAttempt', (address: string, port: number) => onAttempt(null, peerOf(address, port)));
  socket.on('connectionAttemptFailed', (address: string, port: number, _family: number, error: Error) => {
    onAttempt(networkError(error, 'connect'), peerOf(address, port));
  });
}

/** Waits for an event. @throws NetworkError when there is an error instead, or the time of the call is over */
function happens(
  emitter: EventEmitter,
  event: string,
  operation: OperationName,
  options: OperationOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      over();
      reject(networkError(error, operation));
    };
    const over = bounded(nodeScheduler, options, fail);
    emitter.once('error', fail).once(event, () => {
      over();
      emitter.off('error', fail);
      resolve();
    });
  });
}

/** The options that were given: Node.js takes undefined for a value in some places. */
function given<Options extends object>(
  options: Options,
): { [Name in keyof Options]: Exclude<Options[Name], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Options]: Exclude<Options[Name], undefined> };
}
