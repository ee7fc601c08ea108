/** Connections of a server of node:net with proxyProtocol, between their accept and their header. */
import type { Socket } from 'node:net';
import type { NetworkError } from '../../pal/network-error.ts';
import { nodeScheduler } from '../../platform/node-scheduler.ts';
import { stranger, tooManyHeaders } from '../../proxy-protocol/errors.ts';
import { MAX_PENDING_HEADERS, treatmentOf, type ProxySettings } from '../../proxy-protocol/proxy-settings.ts';
import { readHeader } from '../../proxy-protocol/read-header.ts';
import { NodeStream } from './node-stream.ts';

export class NodeProxyHeaders {
  readonly #settings: ProxySettings;
  readonly #onRefused: (error: NetworkError) => void;
  /** Connections whose header has not come yet. */
  readonly #unnamed = new Set<NodeStream>();

  constructor(settings: ProxySettings, onRefused: (error: NetworkError) => void) {
    this.#settings = settings;
    this.#onRefused = onRefused;
  }

  /** A connection has come. @param arrive gets it when it is known whose it is, unless it is refused */
  take(socket: Socket, arrive: (stream: NodeStream) => void): void {
    const stream = new NodeStream(socket);
    const peer = stream.remote;
    const treatment = treatmentOf(this.#settings, peer);
    if (treatment === 'plain') return arrive(stream);
    if (treatment === 'refuse') return this.#refuse(stream, stranger(peer));
    // node:net cannot leave them in the backlog.
    if (this.#unnamed.size >= MAX_PENDING_HEADERS)
      return this.#refuse(stream, tooManyHeaders(peer, MAX_PENDING_HEADERS));
    this.#unnamed.add(stream);
    const source = {
      peer,
      now: () => nodeScheduler.now(),
      read: (target: Uint8Array, timeout: number, callback: (error: NetworkError | null, bytes: number) => void) =>
        stream.read(target, { timeout }, callback),
    };
    readHeader(source, this.#settings.timeoutMs, (error, header) => {
      if (!this.#unnamed.delete(stream)) return; // the server was closed
      if (error !== null) return this.#refuse(stream, error);
      if (header !== null) stream.comesThrough(header);
      arrive(stream);
    });
  }

  /** The server is closed: nobody will hear of those that are awaited. */
  close(): void {
    for (const stream of this.#unnamed) {
      this.#unnamed.delete(stream);
      stream.reset(() => undefined);
    }
  }

  #refuse(stream: NodeStream, error: NetworkError): void {
    stream.reset(() => undefined);
    this.#onRefused(error);
  }
}
