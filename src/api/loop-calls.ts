/** The calls of the contract for many loops: other threads' submissions, and sockets that move. */
import type { Buffer } from 'node:buffer';
import type { AnyHandle, ServerSocket, SocketHandle } from '../pal/handles.ts';
import type {
  ConnectionCallback,
  ImportServerOptions,
  LoopCalls as Contract,
  RemoteErrorCallback,
  RemotePostCallback,
  RemoteToken,
  SocketInfo,
  TransferToken,
} from '../pal/loops.ts';
import type { BytesCallback } from '../pal/network-pal.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import { RemoteInbox } from '../remote/inbox.ts';
import { close } from '../sockets/closer.ts';
import { requireUnassociated } from '../sockets/association.ts';
import { bound } from '../platform/async-context.ts';
import { Connection } from '../tcp/connection/connection.ts';
import type { Context } from '../context/context.ts';
import { receiveTransfer, attachSocket, transfer } from '../tcp/transfer/handover.ts';
import { Listener } from '../tcp/accept/listener.ts';
import { foreignHandle, isForeignPost } from '../util/pal-number.ts';
import { requireInteger } from '../util/validate.ts';
import { readServerOptions } from '../util/read-options.ts';
import { importServer } from '../tcp/server/server.ts';
import { exportConnection, exportServer, importConnection } from '../tcp/transfer/sharing.ts';
import { NO_ENDPOINT } from '../sockets/addresses.ts';
import { abortSocket } from '../sockets/sockets.ts';
import { decodeArrival } from '../tcp/accept/distributor.ts';
import { abortStream } from '../tcp/write-cancellation.ts';
import { closedHandle, requireCallback, wrongKind } from './arguments.ts';
import { CallGroup, type CallContext } from './call-context.ts';
import { StreamCalls } from './stream-calls.ts';
import { requireInfo, requireToken } from './tokens.ts';

export class LoopCalls extends CallGroup implements Contract {
  remote(): RemoteToken {
    const context = this.calls.lifecycle.open('remote');
    if (context.wakePort === null) {
      throw new NetworkError(
        `Cannot open this loop to other threads: its backend (${context.options.backend.name}) has no completion port that they ` +
          'could wake. Leave the option backend out',
        { kind: NetworkErrorCode.EventLoopError, code: 'ERR_NOT_SUPPORTED' },
      );
    }
    const { palNumber: pal, wakePort: port } = context;
    return { kind: 'iocp-pal/remote', queue: inbox(this.calls, context).queue, port, pal };
  }

  onRemotePost(callback: RemotePostCallback): number {
    const context = this.calls.lifecycle.open('onRemotePost');
    requireCallback(callback);
    return inbox(this.calls, context).addPost(callback);
  }

  offRemotePost(id: number): void {
    const context = this.calls.lifecycle.begun('offRemotePost');
    requireInteger('id', id, 0, Number.MAX_SAFE_INTEGER);
    if (isForeignPost(this.calls.lifecycle.palNumber, id)) throw foreignHandle(id);
    context?.inbox?.removePost(id);
  }

  onConnection(callback: ConnectionCallback | null): void {
    if (callback === null) {
      this.calls.lifecycle.begun('onConnection')?.inbox?.setOnConnection(null);
      return;
    }
    requireCallback(callback);
    inbox(this.calls, this.calls.lifecycle.open('onConnection')).setOnConnection(callback);
  }

  onRemoteError(callback: RemoteErrorCallback | null): void {
    if (callback === null) {
      const inbox = this.calls.lifecycle.begun('onRemoteError')?.inbox ?? null;
      if (inbox !== null) inbox.onError = null;
      return;
    }
    requireCallback(callback);
    inbox(this.calls, this.calls.lifecycle.open('onRemoteError')).onError = bound('remoteError', callback);
  }

  transfer(socket: SocketHandle): TransferToken {
    const context = this.calls.lifecycle.open('transfer');
    const connection = movable(this.calls, socket);
    requireUnassociated('transfer', connection);
    return transfer(context, connection);
  }

  receiveTransfer(token: TransferToken): SocketHandle {
    this.calls.lifecycle.open('receiveTransfer');
    const checked = requireToken(token);
    return receiveTransfer(this.calls.lifecycle.open('receiveTransfer'), checked); // once more: a getter of it may have stopped the loop
  }

  exportSocket(socket: AnyHandle, pid: number): SocketInfo {
    const context = this.calls.lifecycle.open('exportSocket');
    requireInteger('pid', pid, 1, 0xffffffff);
    const record = this.calls.find(socket);
    if (record instanceof Listener) return exportServer(context, record, pid);
    if (!(record instanceof Connection)) throw wrongKind(record, 'createServer or asyncAccept');
    const connection = movable(this.calls, socket as SocketHandle);
    requireUnassociated('export', connection);
    return exportConnection(context, connection, pid);
  }

  importSocket(info: SocketInfo): SocketHandle {
    const context = this.calls.lifecycle.open('importSocket');
    const checked = requireInfo(context, 'importSocket', info, 'iocp-pal/connection');
    return importConnection(this.calls.lifecycle.open('importSocket'), checked);
  }

  importServer(info: SocketInfo, options: ImportServerOptions = {}): ServerSocket {
    const context = this.calls.lifecycle.open('importServer');
    const checked = requireInfo(context, 'importServer', info, 'iocp-pal/server');
    const read = readServerOptions(options);
    return importServer(this.calls.lifecycle.open('importServer'), checked, read);
  }
}

/** An established connection, which is to go elsewhere. Throws NetworkError when it is closed: there is nothing to hand out. */
function movable(calls: CallContext, handle: SocketHandle): Connection {
  const connection = calls.established(handle);
  if (connection === null) throw closedHandle(handle);
  return connection;
}

function inbox(calls: CallContext, context: Context): RemoteInbox {
  if (context.inbox !== null) return context.inbox;
  const { loop, counters, platform, options, posts } = context;
  const streams = new StreamCalls(calls);
  const target = {
    write: (socket: number, data: Uint8Array, done: (error: NetworkError | null) => void) =>
      writeForAnother(streams, context, socket as SocketHandle, data, done),
    close: (socket: number) => calls.close('closeSocket', socket as AnyHandle, undefined, close),
    stop: () => void calls.lifecycle.stop(),
    acceptConnection: (socket: number, payload: Buffer) => arrive(context, socket, payload, calls.lifecycle.isStopping),
  };
  const { scheduler } = platform;
  context.inbox = new RemoteInbox({ loop, scheduler, counters, target, posts }, options.remoteQueueBytes);
  return context.inbox;
}

/**
 * A write that another thread has submitted. It goes on submitting without knowing what became of this one, so when it cannot
 * begin (the queue is full, the socket is watched) the stream ends before it: nothing may follow a hole.
 */
function writeForAnother(
  streams: StreamCalls,
  context: Context,
  socket: SocketHandle,
  data: Uint8Array,
  done: BytesCallback,
): void {
  try {
    streams.asyncWrite(socket, data, done);
  } catch (error) {
    abortIfOpen(context, socket);
    throw error;
  }
  const record = context.sockets.find(socket);
  if (record instanceof Connection && record.write.refusals > 0) abortIfOpen(context, socket);
}

function abortIfOpen(context: Context, socket: SocketHandle): void {
  const record = context.sockets.find(socket);
  if (record instanceof Connection && !record.closing) abortStream(record);
}

/** A spreading server of another loop has handed this one a connection. */
function arrive(context: Context, socket: number, payload: Buffer, stopping: boolean): void {
  const { inbox, loop } = context;
  const callback = inbox?.onConnection ?? null;
  let connection: Connection;
  try {
    // What is open when a stop begins is closed by it; nobody would close this one.
    if (stopping) throw tooLate();
    if (callback === null) throw unwanted();
    const { family, peer, local } = decodeArrival(payload);
    connection = attachSocket(context, socket, family, peer);
    connection.local = local;
  } catch (error) {
    abortSocket(context, socket);
    inbox?.unload();
    throw error;
  }
  connection.countsAsLoad = true;
  const { handle, peer, local } = connection;
  loop.enqueue(() => callback(handle as SocketHandle, peer ?? NO_ENDPOINT, local ?? NO_ENDPOINT));
}

function tooLate(): NetworkError {
  return new NetworkError(
    'Cannot take the connection that a spreading server has handed to this loop: the loop is stopping. It was reset',
    { kind: NetworkErrorCode.EventLoopError, code: 'ERR_EVENT_LOOP_STOPPED' },
  );
}

function unwanted(): NetworkError {
  return new NetworkError(
    'Cannot take the connection that a spreading server has handed to this loop: it has no callback for them, so ' +
      'it was reset. Call onConnection() before the loop is given to a server',
    { kind: NetworkErrorCode.AcceptFailed, code: 'ERR_NO_CONNECTION_CALLBACK' },
  );
}
