/** One listening socket: its pool of accepts, and who waits for connections. acceptor.ts and accept-pool.ts act on it. */
import type { Endpoint } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { AcceptLimitEvent } from '../../pal/server-options.ts';
import { AcceptDepth } from './accept-depth.ts';
import { AcceptLimits, NO_LIMITS } from './accept-limits.ts';
import type { AcceptingServer, Connection } from '../connection/connection.ts';
import { describeRequest } from '../../sockets/describe-request.ts';
import { Fifo } from '../../util/fifo.ts';
import type { TimerHandle } from '../../platform/platform.ts';
import { LinkedQueue } from '../../util/linked-queue.ts';
import type { Operation } from '../../memory/operation.ts';
import type { AcceptRequest } from '../connection/requests.ts';
import { SocketRecord, type OwnDescription } from '../../sockets/socket-record.ts';
import type { ProxySettings } from '../../proxy-protocol/proxy-settings.ts';
import type { ProxiedBy } from './accepted-by.ts';
import type { Distributor } from './distributor.ts';
import type { SpareSockets } from './socket-reuse.ts';

export interface AcceptedOptions {
  readonly receiveBufferSize: number | undefined;
  readonly sendBufferSize: number | undefined;
  readonly noDelay: boolean;
  /** They are left without a port until something needs one. */
  readonly deferAssociation: boolean;
}

export class Listener extends SocketRecord {
  /** Accepts that are posted and untaken connections together never exceed this. */
  depth = new AcceptDepth(1, 1);
  limits = new AcceptLimits(NO_LIMITS, 0);
  options: AcceptedOptions = {
    receiveBufferSize: undefined,
    sendBufferSize: undefined,
    noDelay: false,
    deferAssociation: false,
  };
  /** Other processes may have it too (exportSocket, importServer). */
  isShared = false;
  /** Where connections go instead of to asyncAccept. */
  distributor: Distributor | null = null;
  /** The end point it is bound to, once it listens. */
  local: Endpoint | null = null;
  onAcceptError: ((error: NetworkError) => void) | undefined;
  onLimit: ((event: AcceptLimitEvent) => void) | undefined;
  /** Sockets to accept on again, with reuseSockets. */
  spares: SpareSockets | null = null;
  readonly accepting = new Set<Operation>();
  /** Accepts that were cancelled because the pool shrinks or pauses, and have not come back. */
  readonly cancelledAccepts = new Set<Operation>();
  readonly waiting = new LinkedQueue<AcceptRequest>();
  readonly accepted = new Fifo<Connection>();
  /** Whose PROXY headers are read; null: nobody's. */
  proxy: ProxySettings | null = null;
  /** Connections whose header has not come yet. */
  readonly unnamed = new Map<Connection, ProxiedBy>();
  paused = false;
  /** Failed accepts in a row: what the back-off grows with. */
  failures = 0;
  /** Accepts in a row that failed because their connection was gone. */
  gone = 0;
  retryTimer: TimerHandle | null = null;
  /** Runs while the pool is deeper than a server without arrivals needs. */
  shrinkTimer: TimerHandle | null = null;
  /** Runs while acceptRate leaves no room for a single accept. */
  roomTimer: TimerHandle | null = null;
  /** What its connections know of it; null before the first. */
  acceptedBy: AcceptingServer | null = null;
  /** The local end point of the connection that came last. */
  #acceptedAt: Endpoint | null = null;
  /** The address of the peer that came last. */
  #peerAddress = '';

  /** One object for all that are equal: connections keep it as long as they live, and those of a server have few. */
  oneOf(local: Endpoint | null): Endpoint | null {
    const last = this.#acceptedAt;
    if (local === null) return null;
    if (last !== null && last.address === local.address && last.port === local.port) return last;
    this.#acceptedAt = Object.freeze(local);
    return local;
  }

  /** Whoever is the only one to come, as a proxy is, has the text of its address once. */
  named(peer: Endpoint | null): Endpoint | null {
    if (peer === null) return null;
    if (peer.address !== this.#peerAddress) this.#peerAddress = peer.address;
    return Object.freeze({ address: this.#peerAddress, port: peer.port, family: peer.family });
  }

  /** Accepts that may still bring a connection. */
  get posted(): number {
    return this.accepting.size + this.cancelledAccepts.size;
  }

  override *operations(): Iterable<Operation> {
    yield* this.accepting;
    yield* this.cancelledAccepts;
  }

  override describe(now: number): OwnDescription {
    const { posted, accepted, waiting, limits, paused, proxy, unnamed } = this;
    return {
      kind: 'server',
      state: this.closing ? 'CLOSING' : paused ? 'PAUSED' : 'LISTENING',
      local: this.local,
      queues: {
        acceptsPosted: posted,
        connectionsUntaken: accepted.length,
        acceptsWaiting: waiting.length,
        connectionsOpen: limits.open,
        ...(proxy !== null && { proxyHeadersAwaited: unnamed.size }),
      },
      requests: Array.from(waiting, (request) => describeRequest(request, 'accept', 0, 0, now)),
    };
  }
}
