/**
 * One TCP connection. What reading, writing, connecting and the readiness calls know of it is in a group each, which one file
 * changes: read-state.ts, write-state.ts, connect-state.ts, readiness-state.ts.
 */
import type { Endpoint } from '../../pal/handles.ts';
import type { ProxyHeader } from '../../pal/proxy-protocol.ts';
import type { RequestDescription, SocketState } from '../../pal/pal-description.ts';
import { describeRequest } from '../../sockets/describe-request.ts';
import type { Context } from '../../context/context.ts';
import type { ConnectState } from './connect-state.ts';
import { ReadState } from './read-state.ts';
import type { ReadinessState } from './readiness-state.ts';
import { UNWRITTEN, type WriteView } from './write-state.ts';
import type { Operation } from '../../memory/operation.ts';
import type { WriteRequest } from './requests.ts';
import { SocketRecord, type OwnDescription } from '../../sockets/socket-record.ts';

/** The server that has accepted a connection (accept/accepted-by.ts), as the connection sees it. */
export interface AcceptingServer {
  /** It accepts again on the sockets of connections that are over. */
  readonly reusesSockets: boolean;
  /** The PROXY header that the connection began with, which has said who the peer is. */
  readonly proxyHeader: ProxyHeader | null;
  /** The connection is closed or has gone to another loop: the server has a place free. */
  connectionGone(context: Context, connection: Connection): void;
  /** Everything has come back. Returns true when the server has begun to disconnect the socket, to accept on it again. */
  recycle(context: Context, connection: Connection): boolean;
  /** DisconnectEx came back. */
  disconnected(context: Context, connection: Connection, operation: Operation): void;
}

export class Connection extends SocketRecord {
  /** Its end points, as far as they are known. */
  peer: Endpoint | null = null;
  local: Endpoint | null = null;
  /** The server that accepted it; null when it was connected from here, or came from elsewhere. */
  server: AcceptingServer | null = null;

  /** The attempt to connect; null once it has succeeded, and for a connection that came from elsewhere. */
  connect: ConnectState | null = null;
  readonly read = new ReadState();
  /** To be read; writeOf() gives it to whoever changes it. */
  write: WriteView = UNWRITTEN;
  /** Null until the first of the readiness calls. */
  readiness: ReadinessState | null = null;

  override takeSocket(from: Connection): void {
    super.takeSocket(from);
    this.peer = from.peer;
    this.local = from.local;
  }

  /** Of DisconnectEx on a socket that skips packets Wine queues none although it says that it is pending. */
  override maySkipPackets(): boolean {
    return this.server?.reusesSockets !== true;
  }

  override *operations(): Iterable<Operation> {
    const { close, connect, read, readiness, write } = this;
    for (const operation of [
      connect?.operation,
      read.operation,
      readiness?.zeroByteReceive,
      write.operation,
      close?.disconnect,
    ]) {
      if (operation) yield operation;
    }
  }

  override describe(now: number): OwnDescription {
    const requests = [...requestsOf(this, now)];
    const { connect, read, write } = this;
    const { unread } = read;
    return {
      kind: 'connection',
      state: stateOf(this),
      peer: this.peer,
      name: connect?.name?.describe() ?? null,
      queues: {
        bytesQueued: write.queuedBytes,
        bytesUnread: unread === null ? 0 : unread.end - unread.start,
        readsWaiting: read.length,
        writesWaiting: write.queue.length,
      },
      requests,
    };
  }
}

// (Not methods of its own: for private ones each connection would have a field.)

function stateOf({ closing, connected, read, write }: Connection): SocketState {
  if (closing) return 'CLOSING';
  if (!connected) return 'CONNECTING';
  const isWriting = write.queue.length > 0;
  if (read.length === 0) return isWriting ? 'WRITING' : 'CONNECTED';
  return isWriting ? 'READING+WRITING' : 'READING';
}

function* requestsOf({ connect, read, write }: Connection, now: number): Iterable<RequestDescription> {
  const request = connect?.request ?? null;
  if (request !== null) yield describeRequest(request, 'connect', 0, 0, now);
  for (const waiting of read) yield describeRequest(waiting, 'read', waiting.maxBytes, 0, now);
  for (const waiting of write.queue) yield describeWrite(waiting, now);
  for (const drain of write.drains ?? []) yield describeRequest(drain, 'drain', drain.lowWaterMark, 0, now);
}

function describeWrite(write: WriteRequest, now: number): RequestDescription {
  const { operation, total, sent } = write;
  const file = write.file?.describe();
  if (file === undefined) return describeRequest(write, operation, total, sent, now);
  return { ...describeRequest(write, operation, total + (file.length ?? 0), sent + file.sent, now), file };
}
