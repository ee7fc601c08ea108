/** A UDP socket of node:dgram, as the promises want it. */
import type { RemoteInfo, Socket } from 'node:dgram';
import type { Destination, OutgoingDatagram } from '../../pal/datagram.ts';
import type { Endpoint } from '../../pal/handles.ts';
import type { WriteData } from '../../pal/network-pal.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import { requireInteger } from '../../util/validate.ts';
import { closedHere } from './errors.ts';
import {
  endpointOf,
  whenAllAreDone,
  type DatagramChannel,
  type DatagramsCallback,
  type DoneCallback,
} from './network-sockets.ts';
import { networkError } from './node-error.ts';
import { NodeHandle } from './node-handle.ts';

const MAX_QUEUED_BYTES = 2 ** 20;
/** What a datagram takes of that at least, so that empty ones have an end too. */
const LEAST_BYTES = 512;

export class NodeDatagrams extends NodeHandle<Socket> implements DatagramChannel {
  readonly endpoint: Endpoint;
  /** What has come and nobody has asked for yet. What is beyond the limit is dropped, as the system does it. */
  readonly #queue: { readonly bytes: Buffer; readonly from: RemoteInfo }[] = [];
  #room: number;
  #receiving: DatagramsCallback | null = null;
  #isClosed = false;

  constructor(socket: Socket, limit = MAX_QUEUED_BYTES) {
    super(socket);
    const { address, port } = socket.address();
    this.endpoint = endpointOf(address, port);
    this.#room = limit;
    socket.on('error', () => undefined); // ICMP reports about what was sent are nobody's error
    socket.on('message', (bytes, from) => {
      const cost = Math.max(LEAST_BYTES, bytes.length);
      if (this.#receiving === null && cost > this.#room) return;
      this.#room -= cost;
      this.#queue.push({ bytes, from });
      if (this.#receiving !== null) this.receive(this.#receiving);
    });
  }

  receive(callback: DatagramsCallback): void {
    if (this.#isClosed) return callback(closedHere('socket'), []);
    const next = this.#queue.shift();
    this.#receiving = next === undefined ? callback : null;
    if (next === undefined) return;
    const { bytes: data, from } = next;
    this.#room += Math.max(LEAST_BYTES, data.length);
    callback(null, [{ data, remote: endpointOf(from.address, from.port), size: data.length }]);
  }

  stopReceiving(): void {
    const callback = this.#receiving;
    this.#receiving = null;
    callback?.(closedHere('socket'), []);
  }

  send(data: WriteData, to: Destination, { timeout = 1 }: OperationOptions, callback: DoneCallback): void {
    if (this.#isClosed) return callback(closedHere('socket'));
    requireInteger('timeout', timeout, 1, 2 ** 31 - 1);
    this.socket.send(data, to.port, to.address, (error) => {
      callback(error === null ? null : networkError(error, 'send'));
    });
  }

  sendMany(list: readonly OutgoingDatagram[], options: OperationOptions, callback: DoneCallback): void {
    const done = whenAllAreDone(list.length, callback);
    for (const { data, to } of list) if (to !== null) this.send(data, to, options, done);
  }

  close(callback: () => void): void {
    this.#isClosed = true;
    this.stopReceiving();
    this.socket.close(callback);
  }
}
