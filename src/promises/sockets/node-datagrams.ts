/** A UDP socket of node:dgram, as the promises want it. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Destination } from '../../pal/datagram.ts';
import type { Endpoint } from '../../pal/handles.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { WriteData } from '../../pal/network-pal.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import { requireInteger } from '../../util/validate.ts';
import { closedHere } from './errors.ts';
import {
  DEFAULT_HOST,
  type BindUdpOptions,
  type DatagramCallback,
  type DatagramChannel,
  type DoneCallback,
} from './network-sockets.ts';
import { networkError, NodeCall } from './node-call.ts';

const MAX_PORT = 65_535;
const MAX_QUEUED_BYTES = 2 ** 20;
/** What a datagram takes of that at least, so that empty ones have an end too. */
const LEAST_BYTES = 512;
const NOTHING = new Uint8Array(0);
const NOBODY: Endpoint = { address: '', port: 0, family: 4 };

export function bindNodeUdp(options: BindUdpOptions): Promise<DatagramChannel> {
  const { host = DEFAULT_HOST, port = 0, reuseAddr, exclusive, ipv6Only, broadcast } = options;
  requireInteger('port', port, 0, MAX_PORT);
  const socket = createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    ...(reuseAddr !== undefined && { reuseAddr }),
    ...(ipv6Only !== undefined && { ipv6Only }),
    ...(options.receiveBufferSize !== undefined && { recvBufferSize: options.receiveBufferSize }),
    ...(options.sendBufferSize !== undefined && { sendBufferSize: options.sendBufferSize }),
  });
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(networkError(error, NetworkErrorCode.BindFailed));
    };
    socket.once('error', fail);
    socket.bind({ address: host, port, ...(exclusive !== undefined && { exclusive }) }, () => {
      socket.off('error', fail);
      if (broadcast === true) socket.setBroadcast(true);
      resolve(new NodeDatagrams(socket, options.maxQueuedReceiveBytes ?? MAX_QUEUED_BYTES));
    });
  });
}

interface PendingReceive {
  readonly call: NodeCall;
  readonly callback: DatagramCallback;
}

class NodeDatagrams implements DatagramChannel {
  readonly endpoint: Endpoint;
  readonly #socket: Socket;
  readonly #limit: number;
  readonly #queue: { bytes: Buffer; peer: Endpoint }[] = [];
  #queued = 0;
  #pending: PendingReceive | null = null;
  #isClosed = false;

  constructor(socket: Socket, limit: number) {
    const { address, port, family } = socket.address();
    this.endpoint = { address, port, family: family === 'IPv6' ? 6 : 4 };
    this.#socket = socket;
    this.#limit = limit;
    socket.on('error', () => undefined); // ICMP reports about what was sent are nobody's error
    socket.on('message', (bytes, from) => this.#arrived(bytes, from));
  }

  receive(options: OperationOptions, callback: DatagramCallback): void {
    if (this.#isClosed) return callback(closedHere('socket'), NOTHING, NOBODY, 0);
    const next = this.#queue.shift();
    if (next !== undefined) {
      this.#queued -= Math.max(LEAST_BYTES, next.bytes.length);
      return callback(null, next.bytes, next.peer, next.bytes.length);
    }
    const call = new NodeCall(options, (error) => this.#fail(error));
    this.#pending = { call, callback };
  }

  send(data: WriteData, to: Destination, options: OperationOptions, callback: DoneCallback): void {
    if (this.#isClosed) return callback(closedHere('socket'));
    if (options.timeout !== undefined) requireInteger('timeout', options.timeout, 1, 2 ** 31 - 1);
    this.#socket.send(data, to.port, to.address, (error) => {
      callback(error === null ? null : networkError(error, NetworkErrorCode.WriteFailed));
    });
  }

  close(callback: () => void): void {
    if (this.#isClosed) return callback();
    this.#isClosed = true;
    this.#fail(closedHere('socket'));
    this.#socket.close(callback);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  #arrived(bytes: Buffer, { address, port, family }: RemoteInfo): void {
    const peer: Endpoint = { address, port, family: family === 'IPv6' ? 6 : 4 };
    const pending = this.#pending;
    if (pending === null) {
      const counted = Math.max(LEAST_BYTES, bytes.length);
      if (this.#queued + counted > this.#limit) return; // as the system's own buffer drops the newest
      this.#queued += counted;
      this.#queue.push({ bytes, peer });
      return;
    }
    this.#pending = null;
    pending.call.over();
    pending.callback(null, bytes, peer, bytes.length);
  }

  #fail(error: NetworkError): void {
    const pending = this.#pending;
    this.#pending = null;
    pending?.call.over();
    pending?.callback(error, NOTHING, NOBODY, 0);
  }
}
