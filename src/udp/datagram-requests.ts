/** What users of UDP sockets asked for and still wait for. Kept for reuse, like the requests of connections. */
import type { ReceiveBatchCallback, ReceiveFromCallback, SendToCallback } from '../pal/datagram.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { BoundCallback, CONTEXT_TYPES } from '../platform/async-context.ts';
import type { Operation } from '../memory/operation.ts';
import { Batch } from './datagram-batch.ts';
import { BLOCK_SIZES } from '../memory/block-pool.ts';
import { NO_ENDPOINT } from '../sockets/addresses.ts';
import { PendingCall, type PendingCalls } from '../sockets/pending-call.ts';
import type { ResolvedDestination } from '../sockets/socket-addresses.ts';
import { NO_BYTES } from '../util/bytes.ts';

/** Bytes that a batch lies in: several of the largest datagrams, and as many as it takes of those that networks carry whole. */
const BATCH_BYTES = BLOCK_SIZES[4];

const missing = (): never => {
  throw new Error('A request without a callback was completed. This is a bug in iocp-pal; please report it');
};
const NO_RECEIVE_CALLBACK = new BoundCallback<Parameters<ReceiveFromCallback>>(CONTEXT_TYPES.receive, missing);
const NO_SEND_CALLBACK = new BoundCallback<Parameters<SendToCallback>>(CONTEXT_TYPES.send, missing);

export class ReceiveFromRequest extends PendingCall {
  readonly operation = 'receive';
  next: ReceiveFromRequest | null = null;
  previous: ReceiveFromRequest | null = null;
  target: Uint8Array = NO_BYTES;
  maxBytes = 0;
  /** What its callback is to be told. */
  failure: NetworkError | null = null;
  count = 0;
  peer: Endpoint = NO_ENDPOINT;
  size = 0;
  callback = NO_RECEIVE_CALLBACK;
  /** In its place where it takes all that is there: then it has no target. */
  batchCallback: BoundCallback<Parameters<ReceiveBatchCallback>> | null = null;
  origin: Error | undefined = undefined;
}

export class SendToRequest extends PendingCall {
  readonly operation = 'send';
  next: SendToRequest | null = null;
  previous: SendToRequest | null = null;
  data: Uint8Array | readonly Uint8Array[] = NO_BYTES;
  /** Bytes in all, as asyncSendTo counted them. */
  total = 0;
  /** Null sends to the connected peer. */
  destination: ResolvedDestination | null = null;
  attempts = 0;
  /** A call for it has not answered at once, and the system has it until its operation ends. */
  isWithSystem = false;
  /** Bytes that were left of its buffers when they were to be copied; -1 while nothing is wrong with them. */
  detachedAt = -1;
  callback = NO_SEND_CALLBACK;
  origin: Error | undefined = undefined;
}

/** The request that an operation of kind SendTo works on: only datagram-sender.ts makes these, and gives each its request. */
export function sendOf({ datagram }: Operation): SendToRequest | null {
  return datagram as SendToRequest | null;
}

/** Keeps requests for reuse. */
export class DatagramRequestPool {
  /** What asyncReceiveBatch lends: one, since it is over before anything else begins. */
  readonly batch = new Batch();
  readonly #pendingCalls: PendingCalls;
  #receives: ReceiveFromRequest | null = null;
  #sends: SendToRequest | null = null;

  constructor(calls: PendingCalls) {
    this.#pendingCalls = calls;
  }

  takeReceive(target: Uint8Array, maxBytes: number, callback: ReceiveFromCallback): ReceiveFromRequest {
    const request = this.#takeReceive();
    request.target = target;
    request.maxBytes = maxBytes;
    request.callback = new BoundCallback(CONTEXT_TYPES.receive, callback);
    return request;
  }

  takeReceiveBatch(callback: ReceiveBatchCallback): ReceiveFromRequest {
    const request = this.#takeReceive();
    request.maxBytes = BATCH_BYTES;
    request.batchCallback = new BoundCallback(CONTEXT_TYPES.receive, callback);
    return request;
  }

  #takeReceive(): ReceiveFromRequest {
    const request = this.#receives ?? new ReceiveFromRequest();
    this.#receives = request.next;
    request.next = null;
    return request;
  }

  /** Its callback is certain to run: it cannot be cancelled any more. */
  giveReceive(request: ReceiveFromRequest): void {
    this.#pendingCalls.end(request);
    request.target = NO_BYTES;
    request.failure = null;
    request.count = 0;
    request.peer = NO_ENDPOINT;
    request.size = 0;
    request.callback = NO_RECEIVE_CALLBACK;
    request.batchCallback = null;
    request.origin = undefined;
    request.next = this.#receives;
    this.#receives = request;
  }

  takeSend(
    data: Uint8Array | readonly Uint8Array[],
    total: number,
    destination: ResolvedDestination | null,
    callback: SendToCallback,
  ): SendToRequest {
    const request = this.#sends ?? new SendToRequest();
    this.#sends = request.next;
    request.next = null;
    request.data = data;
    request.total = total;
    request.destination = destination;
    request.attempts = 0;
    request.detachedAt = -1;
    request.callback = new BoundCallback(CONTEXT_TYPES.send, callback);
    return request;
  }

  /** The same for a send. */
  giveSend(request: SendToRequest): void {
    this.#pendingCalls.end(request);
    request.data = NO_BYTES;
    request.destination = null;
    request.callback = NO_SEND_CALLBACK;
    request.origin = undefined;
    request.next = this.#sends;
    this.#sends = request;
  }
}
