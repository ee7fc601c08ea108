/** A server of node:net, as the promises want it. */
import type { AddressInfo, Server } from 'node:net';
import type { Endpoint } from '../../pal/handles.ts';
import { closedHere } from './errors.ts';
import { endpointOf, type AcceptCallback, type ListeningSocket } from './network-sockets.ts';
import { NodeHandle } from './node-handle.ts';
import { NodeStream } from './node-stream.ts';

export class NodeListeningSocket extends NodeHandle<Server> implements ListeningSocket {
  readonly endpoint: Endpoint;
  /** Connections that nobody has asked for yet. */
  readonly #untaken: NodeStream[] = [];
  #accepting: AcceptCallback | null = null;

  constructor(server: Server) {
    super(server);
    const { address, port } = server.address() as AddressInfo;
    this.endpoint = endpointOf(address, port);
    server.on('connection', (socket) => {
      this.#untaken.push(new NodeStream(socket));
      if (this.#accepting !== null) this.accept(this.#accepting);
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
    this.socket.close(); // stops listening at once; its own callback waits for the connections, which are not its
    callback();
  }
}
