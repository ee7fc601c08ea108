/** One UDP socket: its state and its queues. datagram-receiver.ts, datagram-sender.ts and closer.ts act on it. */
import type { Endpoint } from '../pal/handles.ts';
import type { RequestDescription } from '../pal/pal-description.ts';
import type { Block } from '../memory/block-pool.ts';
import { sendOf, type ReceiveFromRequest, type SendToRequest } from './datagram-requests.ts';
import { describeRequest } from '../sockets/describe-request.ts';
import { Fifo } from '../util/fifo.ts';
import { LinkedQueue } from '../util/linked-queue.ts';
import type { Operation } from '../memory/operation.ts';
import { DestinationCache, PeerCache } from '../sockets/socket-addresses.ts';
import { SocketRecord, type OwnDescription } from '../sockets/socket-record.ts';

/** A datagram that came when nobody was asking. */
export interface Arrival {
  /** Where its bytes are; null when it has none. */
  readonly block: Block | null;
  readonly bytes: number;
  /** The length that it had; Infinity when the system cut it. */
  readonly size: number;
  readonly peer: Endpoint;
}

/** How a socket receives; docs in pal/datagram.ts. */
export interface ReceiveSettings {
  readonly depth: number;
  readonly maxDatagramSize: number;
  readonly maxQueuedBytes: number;
  readonly dropOldest: boolean;
  readonly reportUnreachable: boolean;
}

const NOT_SET: ReceiveSettings = {
  depth: 1,
  maxDatagramSize: 65536,
  maxQueuedBytes: 0,
  dropOldest: false,
  reportUnreachable: false,
};

export class DatagramSocket extends SocketRecord {
  settings = NOT_SET;
  local: Endpoint | null = null;
  /** The peer of connectUdp, null while there is none. */
  peer: Endpoint | null = null;
  readonly peers = new PeerCache();

  /** The receives that are posted: none before the first asyncReceiveFrom. */
  readonly receiving = new Set<Operation>();
  /** The same in the order in which they were posted. */
  readonly posted = new Fifo<Operation>();
  /** The receive that has come back and whose slot and block take what calls that answer at once find; null while it is posted. */
  receivingOn: Operation | null = null;
  /** How often in a row these have found nothing. */
  misses = 0;
  /** Batches that end with their first datagram, before one looks for more again; and how many there were the last time, 1 … */
  unlooked = 0;
  looksInVain = 1;
  /** What the loop runs for it, made once. */
  receiveMore: (() => void) | null = null;
  readonly receives = new LinkedQueue<ReceiveFromRequest>();
  /** What waits for somebody to ask, and the pinned memory that it takes, bytes. */
  readonly arrivals = new Fifo<Arrival>();
  arrivedBytes = 0;
  /** Winsock error code of a report of an unreachable peer that nobody has got yet; 0 for none. */
  report = 0;
  /** Somebody waits although there are arrivals or a report, and a turn is planned that brings them together. */
  serving = false;

  /** The sends that have begun and whose end was not told yet, in no order: a Set would take memory with every few that come and go. */
  readonly sending: Operation[] = [];
  /** How many of them did not end in the call itself. */
  sendsWithSystem = 0;
  /** Sends that wait for their turn. */
  readonly sends = new LinkedQueue<SendToRequest>();
  /** Bytes of all sends that have not ended. */
  queuedBytes = 0;
  readonly destinations = new DestinationCache();

  override *operations(): Iterable<Operation> {
    yield* this.receiving;
    yield* this.sending;
  }

  override describe(now: number): OwnDescription {
    return {
      kind: 'udp',
      state: this.closing ? 'CLOSING' : this.peer === null ? 'BOUND' : 'CONNECTED',
      local: this.local,
      peer: this.peer,
      queues: {
        receivesPosted: this.receiving.size,
        datagramsUntaken: this.arrivals.length,
        bytesUnread: this.arrivedBytes,
        sendsUnderWay: this.sending.length,
        sendsWaiting: this.sends.length,
        bytesQueued: this.queuedBytes,
      },
      requests: [...this.#requests(now)],
    };
  }

  *#requests(now: number): Iterable<RequestDescription> {
    for (const receive of this.receives) {
      yield describeRequest(receive, 'receive', receive.maxBytes, 0, now);
    }
    for (const operation of this.sending) {
      const datagram = sendOf(operation);
      if (datagram !== null) yield describeRequest(datagram, 'send', datagram.total, 0, now);
    }
    for (const send of this.sends) {
      yield describeRequest(send, 'send', send.total, 0, now);
    }
  }
}
