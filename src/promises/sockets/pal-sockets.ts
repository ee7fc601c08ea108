/** The sockets of a PAL, as the promises want them. */
import type { Socket } from 'node:net';
import type { AnyHandle, Endpoint, ServerHandle, SocketHandle, UdpHandle } from '../../pal/handles.ts';
import type { FileSource, SendFileOptions } from '../../pal/file-transfer.ts';
import type { BytesCallback, CloseOptions, NetworkPal, ViewCallback, WriteData } from '../../pal/network-pal.ts';
import type { Destination, OutgoingDatagram } from '../../pal/datagram.ts';
import type { OperationHandle, OperationOptions } from '../../pal/pending-operation.ts';
import type { ProxyHeader } from '../../pal/proxy-protocol.ts';
import type { Scheduler } from '../../platform/platform.ts';
import {
  DEFAULT_HOST,
  endpointOf,
  whenAllAreDone,
  type AcceptCallback,
  type BindUdpOptions,
  type ConnectToOptions,
  type ArrivedDatagram,
  type DatagramChannel,
  type DatagramsCallback,
  type DoneCallback,
  type ListeningSocket,
  type ListenOptions,
  type NetworkSockets,
  type StreamSocket,
} from './network-sockets.ts';

const NOTHING = new Uint8Array(0);

export class PalSockets implements NetworkSockets {
  readonly scheduler: Scheduler;
  readonly #pal: () => NetworkPal;

  /** @param pal the one to use at this moment */
  constructor(pal: () => NetworkPal, scheduler: Scheduler) {
    this.#pal = pal;
    this.scheduler = scheduler;
  }

  listen({ host = DEFAULT_HOST, port = 0, ...options }: ListenOptions): Promise<ListeningSocket> {
    const pal = this.#pal();
    const { handle, address, port: bound } = pal.createServer(host, port, options);
    const readsHeaders = options.proxyProtocol !== undefined;
    return Promise.resolve(new PalListeningSocket(pal, handle, endpointOf(address, bound), readsHeaders));
  }

  connect({ host = DEFAULT_HOST, port, ...options }: ConnectToOptions): Promise<StreamSocket> {
    const pal = this.#pal();
    return new Promise((resolve, reject) => {
      pal.asyncConnect(host, port, options, (error, handle, peer, local) => {
        if (error === null) resolve(new PalStream(pal, handle, local, peer, null));
        else reject(error);
      });
    });
  }

  bindUdp({ host = DEFAULT_HOST, port = 0, ...options }: BindUdpOptions): Promise<DatagramChannel> {
    const pal = this.#pal();
    const { handle, address, port: bound } = pal.createUdpSocket(host, port, options);
    return Promise.resolve(new PalDatagrams(pal, handle, endpointOf(address, bound)));
  }

  allocateBuffer(bytes: number): Buffer {
    return this.#pal().allocateBuffer(bytes);
  }
}

/** What all of them have. */
class PalSocket<Handle extends AnyHandle> {
  protected readonly pal: NetworkPal;
  protected readonly handle: Handle;

  constructor(pal: NetworkPal, handle: Handle) {
    this.pal = pal;
    this.handle = handle;
  }

  ref(): void {
    this.pal.ref(this.handle);
  }

  unref(): void {
    this.pal.unref(this.handle);
  }
}

class PalListeningSocket extends PalSocket<ServerHandle> implements ListeningSocket {
  readonly endpoint: Endpoint;
  /** Its connections may have begun with a PROXY header. */
  readonly #readsHeaders: boolean;
  #accepting = 0 as OperationHandle;

  constructor(pal: NetworkPal, handle: ServerHandle, endpoint: Endpoint, readsHeaders: boolean) {
    super(pal, handle);
    this.endpoint = endpoint;
    this.#readsHeaders = readsHeaders;
  }

  accept(callback: AcceptCallback): void {
    this.#accepting = this.pal.asyncAccept(this.handle, (error, client, peer, local) => {
      if (error !== null) return callback(error, null);
      const header = this.#readsHeaders ? this.pal.getProxyHeader(client) : null;
      callback(null, new PalStream(this.pal, client, local, peer, header));
    });
  }

  stopAccepting(): void {
    this.pal.cancel(this.#accepting);
  }

  close(callback: () => void): void {
    this.pal.closeSocket(this.handle, callback);
  }
}

class PalStream extends PalSocket<SocketHandle> implements StreamSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly proxyHeader: ProxyHeader | null;

  constructor(
    pal: NetworkPal,
    handle: SocketHandle,
    local: Endpoint,
    remote: Endpoint,
    proxyHeader: ProxyHeader | null,
  ) {
    super(pal, handle);
    this.local = local;
    this.remote = remote;
    this.proxyHeader = proxyHeader;
  }

  read(buffer: Uint8Array, options: OperationOptions, callback: BytesCallback): void {
    this.pal.asyncRead(this.handle, buffer, buffer.length, options, callback);
  }

  readView(options: OperationOptions, callback: ViewCallback): void {
    this.pal.asyncReadView(this.handle, options, callback);
  }

  tryWrite(data: WriteData): number {
    return Math.max(0, this.pal.tryWrite(this.handle, data)); // WouldBlock: nothing was taken
  }

  write(data: WriteData, options: OperationOptions, callback: BytesCallback): void {
    this.pal.asyncWrite(this.handle, data, options, callback);
  }

  sendFile(file: FileSource, options: SendFileOptions, callback: BytesCallback): void {
    this.pal.asyncSendFile(this.handle, file, options, callback);
  }

  end(options: OperationOptions, callback: DoneCallback): void {
    // A write of nothing is over when everything in front of it is.
    this.pal.asyncWrite(this.handle, NOTHING, options, callback);
    this.pal.shutdown(this.handle, 'send');
  }

  close(options: CloseOptions, callback: () => void): void {
    this.pal.closeSocket(this.handle, options, callback);
  }

  reset(callback: () => void): void {
    this.pal.resetSocket(this.handle, callback);
  }

  async toSocket(head: Uint8Array, writable: boolean): Promise<Socket> {
    // Not before somebody asks: it is larger than this face, and most programs never need it.
    const { socketOver } = await import('../../net/index.ts');
    const socket = socketOver(this.pal, this.handle, { peer: this.remote, local: this.local, head, writable });
    if (this.proxyHeader !== null) Object.defineProperty(socket, 'proxyHeader', { value: this.proxyHeader });
    return socket;
  }

  setNoDelay(on: boolean): void {
    this.pal.setSocketOption(this.handle, 'NoDelay', on);
  }

  setKeepAlive(on: boolean, idleSeconds: number | undefined): void {
    this.pal.setSocketOption(this.handle, 'KeepAlive', { enabled: on, idleSeconds });
  }
}

class PalDatagrams extends PalSocket<UdpHandle> implements DatagramChannel {
  readonly endpoint: Endpoint;
  #receiving = 0 as OperationHandle;

  constructor(pal: NetworkPal, handle: UdpHandle, endpoint: Endpoint) {
    super(pal, handle);
    this.endpoint = endpoint;
  }

  receive(callback: DatagramsCallback): void {
    this.#receiving = this.pal.asyncReceiveBatch(this.handle, (error, batch) => {
      const datagrams: ArrivedDatagram[] = [];
      for (let index = 0; index < batch.count; index++) {
        datagrams.push({ data: Buffer.from(batch.view(index)), remote: batch.peer(index), size: batch.size(index) });
      }
      callback(error, datagrams);
    });
  }

  stopReceiving(): void {
    this.pal.cancel(this.#receiving);
  }

  send(data: WriteData, to: Destination, options: OperationOptions, callback: DoneCallback): void {
    this.pal.asyncSendTo(this.handle, data, to, options, callback);
  }

  sendMany(list: readonly OutgoingDatagram[], options: OperationOptions, callback: DoneCallback): void {
    const rest = list.slice(this.pal.trySendMany(this.handle, list));
    const done = whenAllAreDone(rest.length, callback);
    for (const { data, to } of rest) this.pal.asyncSendTo(this.handle, data, to, options, done);
  }

  close(callback: () => void): void {
    this.pal.closeSocket(this.handle, callback);
  }
}
