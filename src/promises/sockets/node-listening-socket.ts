/** A server of node:net, as the promises want it. */
import type { AddressInfo, Server } from 'node:net';
import type { Endpoint } from '../../pal/handles.ts';
import { closedHere } from './errors.ts';
import { endpointOf, type AcceptCallback, type ListeningSocket } from './network-sockets.ts';
import { NodeHandle } from './node-handle.ts';
import type { NodeProxyHeaders } from './node-proxy-headers.ts';
import { NodeStream } from './node-stream.ts';

export class NodeListeningSocket extends NodeHandle<Server> implements ListeningSocket {
  readonly endpoint: Endpoint;
  /** Connections that nobody has asked for yet. */
  readonly #untaken: NodeStream[] = [];
  readonly #headers: NodeProxyHeaders | null;
  #accepting: AcceptCallback | null = null;

  /** @param headers reads what connections must begin with; null where they are taken as they are */
  constructor(server: Server, headers: NodeProxyHeaders | null) {
    super(server);
    this.#headers = headers;
    const { address, port } = server.address() as AddressInfo;
    this.endpoint = endpointOf(address, port);
    server.on('connection', (socket) => {
      if (headers === null) this.#arrive(new NodeStream(socket));
      else headers.take(socket, this.#arrive);
    });
  }

  accept(callback: AcceptCallback): void {
    const stream = this.#untaken.shift();
    this.#accepting = stream === undefined ? callback : null;
    if (stream !== undefined) callback(null, stream);
  }

  stopAccepting(): void {
    const callback = this.#accepting;
    this.#accepting = null;
    callback?.(closedHere('server'), null);
  }

  close(callback: () => void): void {
    this.stopAccepting();
    for (const stream of this.#untaken.splice(0)) stream.reset(() => undefined);
    this.#headers?.close();
    this.socket.close(); // stops listening at once; its own callback waits for the connections, which are not its
    callback();
  }

  readonly #arrive = (stream: NodeStream): void => {
    this.#untaken.push(stream);
    if (this.#accepting !== null) this.accept(this.#accepting);
  };
}
