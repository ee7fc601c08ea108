/** One TCP connection: its state and its queues. reader.ts, writer.ts, connector.ts and closer.ts act on it. */
import type { NetworkError } from '../pal/network-error.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { RequestDescription, SocketState } from '../pal/pal-description.ts';
import type { Block } from '../memory/block-pool.ts';
import { describeRequest } from '../sockets/describe-request.ts';
import type { Driver } from '../context/context.ts';
import { LinkedQueue } from '../util/linked-queue.ts';
import type { Operation } from '../memory/operation.ts';
import type { ConnectRequest, QueuedFile, ReadRequest, WriteRequest } from './requests.ts';
import { SocketRecord, type OwnDescription } from '../sockets/socket-record.ts';

/** The receiveClass of a connection that waits without a buffer. */
export const QUIET = -1;

/** Received bytes that nobody has got yet: block.bytes from start to end. */
export interface Leftover {
  readonly block: Block;
  start: number;
  readonly end: number;
}

/** The server that has accepted a connection (accept/accepted-by.ts), as the connection sees it. */
export interface AcceptingServer {
  /** It accepts again on the sockets of connections that are over. */
  readonly reusesSockets: boolean;
  /** The connection is closed or has gone to another loop: the server has a place free. */
  connectionGone(driver: Driver): void;
  /** Everything has come back. Returns true when the server has begun to disconnect the socket, to accept on it again. */
  recycle(driver: Driver, connection: Connection): boolean;
  /** DisconnectEx came back. */
  disconnected(driver: Driver, connection: Connection, operation: Operation): void;
}

/** A name that is being resolved and connected to (by-name/name-connector.ts), as the connection sees it. */
export interface NameAttempts {
  /** Nobody waits for it any more. */
  stop(): void;
  /** Ends it with an error, unless a success is on its way. */
  revoke(error: NetworkError): true;
  /** Where it is going, and how far it has come. */
  describe(): string;
}

export class Connection extends SocketRecord {
  /** False until ConnectEx has succeeded. */
  connected = false;
  peer: Endpoint | null = null;
  /** It came from a spreading server, which counts it. */
  countsAsLoad = false;
  /** The server that accepted it; null when it was connected from here, or came from elsewhere. */
  server: AcceptingServer | null = null;

  connectOperation: Operation | null = null;
  connectRequest: ConnectRequest | null = null;
  /** The name that is being resolved and connected to; there is no SOCKET meanwhile. */
  nameConnect: NameAttempts | null = null;

  readonly reads = new LinkedQueue<ReadRequest>();
  receiveOperation: Operation | null = null;
  /** Block class that the next receive asks for, or QUIET; follows what the peer sends. */
  receiveClass = QUIET;
  /** A receive into a block was posted since the last sweep for quiet connections. */
  receivedSince = false;
  /** The receive was cancelled to take its block back, and is to be posted again. */
  quieting = false;
  /** Bytes received for a buffer that had gone: the next read's. */
  leftover: Leftover | null = null;
  /** shutdown('receive'): reads get 0 bytes. */
  receiveEnded = false;

  /** The readiness face's zero-byte receive. */
  probeOperation: Operation | null = null;
  /** An error that the readiness face has met and tells again. */
  failure: NetworkError | null = null;
  /** What is queued for writing came from tryWrite. */
  tryWriting = false;
  /** FIONBIO was set. */
  nonBlocking = false;

  readonly writes = new LinkedQueue<WriteRequest>();
  /** Writes that were queued so far. */
  writesQueued = 0;
  /** The order of the last write of which the send operation has bytes. */
  lastGathered = 0;
  sendOperation: Operation | null = null;
  /** The file that the send operation is working on: the head of the queue, or one that was dropped meanwhile. */
  sendingFile: QueuedFile | null = null;
  queuedBytes = 0;
  /** Writes that were refused and whose callbacks have not come yet: what follows a hole must not be sent. */
  refusals = 0;
  /** Why the latest of them was. */
  refusal: NetworkError | null = null;
  /** shutdown('send') was called: no more writes, FIN once the queue is empty. */
  sendEnded = false;
  /** The FIN was handed to the kernel. */
  finSent = false;
  /** Winsock error code of a send that failed: the stream has a hole, and no write may follow. 0 while there is none. */
  sendFailure = 0;
  /** The system call that failed so. */
  sendFailureSyscall = '';
  /** What was thrown, where no call of the system failed. */
  sendFailureCause: unknown = null;
  /** A write is being taken back although some of it has gone out. */
  tearing = false;
  /** It was, or another thread's write could not begin: the stream ends at a hole. */
  torn = false;
  /** Sends in a row that completed with success and not one byte. */
  emptySends = 0;

  /** The end of the peer's stream was read. */
  peerEnded = false;
  /** The connection is being ended so that its socket can be accepted on again. */
  disconnectOperation: Operation | null = null;

  override takeSocket(from: Connection): void {
    super.takeSocket(from);
    this.nonBlocking = from.nonBlocking;
    this.peer = from.peer;
  }

  /** Of DisconnectEx on a socket that skips packets Wine queues none although it says that it is pending. */
  override get maySkipPackets(): boolean {
    return this.server?.reusesSockets !== true;
  }

  override *operations(): Iterable<Operation> {
    if (this.connectOperation !== null) yield this.connectOperation;
    if (this.receiveOperation !== null) yield this.receiveOperation;
    if (this.probeOperation !== null) yield this.probeOperation;
    if (this.sendOperation !== null) yield this.sendOperation;
    if (this.disconnectOperation !== null) yield this.disconnectOperation;
  }

  override describe(now: number): OwnDescription {
    const requests = [...this.#requests(now)];
    const { leftover } = this;
    return {
      kind: 'connection',
      state: this.#state(),
      peer: this.peer,
      name: this.nameConnect?.describe() ?? null,
      queues: {
        bytesQueued: this.queuedBytes,
        bytesUnread: leftover === null ? 0 : leftover.end - leftover.start,
        readsWaiting: this.reads.length,
        writesWaiting: this.writes.length,
      },
      requests,
    };
  }

  #state(): SocketState {
    if (this.closing) return 'CLOSING';
    if (!this.connected) return 'CONNECTING';
    if (this.reads.length === 0) return this.writes.length === 0 ? 'CONNECTED' : 'WRITING';
    return this.writes.length === 0 ? 'READING' : 'READING+WRITING';
  }

  *#requests(now: number): Iterable<RequestDescription> {
    if (this.connectRequest !== null) yield describeRequest(this.connectRequest, 'connect', 0, 0, now);
    for (const read of this.reads) yield describeRequest(read, 'read', read.maxBytes, 0, now);
    for (const write of this.writes) yield describeWrite(write, now);
  }
}

function describeWrite(write: WriteRequest, now: number): RequestDescription {
  const { operation, total, sent } = write;
  const file = write.file?.describe();
  if (file === undefined) return describeRequest(write, operation, total, sent, now);
  return { ...describeRequest(write, operation, total + (file.length ?? 0), sent + file.sent, now), file };
}
