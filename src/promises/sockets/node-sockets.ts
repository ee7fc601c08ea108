/**
 * The sockets of Node.js, as the promises want them: where there is no PAL, a program is written and tested on these. What only a
 * PAL can do (depth of accepts, rates, limits per address, sizes of buffers of accepted sockets) has no effect here.
 */
import { createServer, connect, isIP, type Server } from 'node:net';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import type { Endpoint } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import { requireInteger } from '../../util/validate.ts';
import { closedHere } from './errors.ts';
import {
  DEFAULT_HOST,
  type BindUdpOptions,
  type ConnectToOptions,
  type DatagramChannel,
  type ListeningSocket,
  type ListenOptions,
  type NetworkSockets,
  type StreamSocket,
} from './network-sockets.ts';
import { networkError, NodeCall } from './node-call.ts';
import { nodeClock } from './node-clock.ts';
import { bindNodeUdp } from './node-datagrams.ts';
import { NodeStream } from './node-stream.ts';

const MAX_PORT = 65_535;

export const nodeSockets: NetworkSockets = {
  scheduler: nodeClock,

  async listen({ host = DEFAULT_HOST, port = 0, backlog, ipv6Only, exclusive, noDelay }: ListenOptions) {
    requireInteger('port', port, 0, MAX_PORT);
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay });
    const listening = new NodeListeningSocket(server);
    const address = host === 'localhost' ? DEFAULT_HOST : host;
    await started(server, () => server.listen({ host: address, port, backlog, ipv6Only, exclusive }));
    return listening.listens();
  },

  connect(options: ConnectToOptions): Promise<StreamSocket> {
    const { host = DEFAULT_HOST, port, family, lookup, attemptDelay, localAddress, localPort, noDelay } = options;
    requireInteger('port', port, 1, MAX_PORT);
    return new Promise((resolve, reject) => {
      const socket = connect({
        host,
        port,
        allowHalfOpen: true,
        noDelay: noDelay ?? false,
        ...(family !== undefined && { family }),
        ...(lookup !== undefined && { lookup }),
        ...(localAddress !== undefined && { localAddress }),
        ...(localPort !== undefined && { localPort }),
        autoSelectFamily: family === undefined || family === 0,
        ...(attemptDelay !== undefined && { autoSelectFamilyAttemptTimeout: attemptDelay }),
      });
      const fail = (error: Error): void => {
        call.over();
        socket.destroy();
        reject(networkError(error, NetworkErrorCode.ConnectFailed));
      };
      const call = new NodeCall(options, fail);
      socket.once('error', fail);
      socket.once('connect', () => {
        call.over();
        socket.off('error', fail);
        resolve(new NodeStream(socket));
      });
    });
  },

  bindUdp(options: BindUdpOptions): Promise<DatagramChannel> {
    return bindNodeUdp(options);
  },
};

interface PendingAccept {
  readonly call: NodeCall;
  readonly callback: Parameters<ListeningSocket['accept']>[1];
}

class NodeListeningSocket implements ListeningSocket {
  endpoint: Endpoint = { address: '', port: 0, family: 4 };
  readonly #server: Server;
  readonly #untaken: NodeStream[] = [];
  readonly #pending: PendingAccept[] = [];
  #isClosed = false;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      const stream = new NodeStream(socket);
      const next = this.#pending.shift();
      if (next === undefined) return void this.#untaken.push(stream);
      next.call.over();
      next.callback(null, stream);
    });
  }

  listens(): this {
    const bound = this.#server.address();
    if (bound !== null && typeof bound === 'object') {
      this.endpoint = { address: bound.address, port: bound.port, family: isIP(bound.address) === 6 ? 6 : 4 };
    }
    return this;
  }

  accept(options: OperationOptions, callback: PendingAccept['callback']): void {
    if (this.#isClosed) return callback(closedHere('server'), null);
    const stream = this.#untaken.shift();
    if (stream !== undefined) return callback(null, stream);
    const pending: PendingAccept = {
      callback,
      call: new NodeCall(options, (error: NetworkError) => {
        this.#pending.splice(this.#pending.indexOf(pending), 1);
        callback(error, null);
      }),
    };
    this.#pending.push(pending);
  }

  close(callback: () => void): void {
    this.#isClosed = true;
    for (const stream of this.#untaken.splice(0)) stream.reset(() => undefined);
    for (const { call, callback: answer } of this.#pending.splice(0)) {
      call.over();
      answer(closedHere('server'), null);
    }
    this.#server.close(); // stops listening at once; its own callback waits for the connections, which are not its
    callback();
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }
}

/** Waits for what a start leads to. @throws NetworkError */
function started(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(networkError(error, NetworkErrorCode.ListenFailed)));
    server.once('listening', resolve);
    start();
  });
}
