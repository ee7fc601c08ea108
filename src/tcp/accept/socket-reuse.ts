/**
 * Accepting on the same socket again: DisconnectEx(TF_REUSE_SOCKET) in the place of closesocket, and an AcceptEx on what
 * it leaves, in the place of WSASocketW and CreateIoCompletionPort.
 *
 *   close ─► every operation has come back ─► DisconnectEx ─► packet ─► spare ─► AcceptEx ─► the next connection
 *                                               │ error, or the grace of the close is over
 *                                               └─► closesocket, as ever
 *
 * Only for connections of a server with reuseSockets, that the peer has ended first: the side that ends first waits in
 * TIME_WAIT, and DisconnectEx with it ("may be subject to the TCP TIME_WAIT state, causing the DisconnectEx call to be
 * delayed"). Never after an error or a reset, and never with options that the next connection would inherit.
 *
 * The first socket of each server is looked at after its disconnect: one that does not answer as a fresh socket ends the
 * reuse for this server. (Under Wine 8.0 it still says that its sending side is shut, and would fail every send of the next
 * connection.)
 *
 * A packet cannot reach the wrong connection: all operations of the old one have come back before its socket is spare,
 * and slots carry generations.
 */
import { INVALID_SOCKET } from '../../../ffi/constants.ts';
import { abandonOperation } from '../../sockets/abandon.ts';
import { beginGrace, closingOf, finishClose } from '../../sockets/closer.ts';
import type { Connection } from '../connection/connection.ts';
import type { Context } from '../../context/context.ts';
import type { Listener } from './listener.ts';
import { Stream, WriteEnd } from '../connection/write-state.ts';
import { OperationKind, type Operation } from '../../memory/operation.ts';
import { discardSocket, isFresh } from '../../sockets/sockets.ts';

/**
 * The sockets of one server that can be accepted on again, and the completion key under which each of them is on the port: a
 * socket that is on a port stays there, under the key it came with.
 */
export class SpareSockets {
  readonly #spare: number[] = [];
  /** Of the spare ones, and of those that wait in an accept. */
  readonly #keys = new Map<number, number>();

  /** A socket of this server was looked at after its disconnect, and was fresh. */
  proven = false;
  /** False once one was not: the system cannot do it, and is not asked again. */
  usable = true;

  get size(): number {
    return this.#spare.length;
  }

  put(socket: number, key: number): void {
    this.#keys.set(socket, key);
    this.#spare.push(socket);
  }

  /** A socket to accept on, or INVALID_SOCKET. Its key is known until it is forgotten. */
  take(): number {
    return this.#spare.pop() ?? INVALID_SOCKET;
  }

  /** The key of a socket that was put here; undefined for any other. */
  keyOf(socket: number): number | undefined {
    return this.#keys.get(socket);
  }

  /** The socket was closed, or is a connection's again. Its number may come back as another socket's. */
  forget(socket: number): void {
    this.#keys.delete(socket);
  }
}

/** Whether the socket of a closing connection, on which nothing is in flight, can be used again. */
export function mayReuse(
  { transport }: Context,
  connection: Connection,
  { spares, closing, depth }: Listener,
): boolean {
  if (transport.disconnect === null) return false;
  if (spares === null || !spares.usable || closing || spares.size >= depth.current) return false;
  const { read, write } = connection;
  if (connection.hasNoGrace || !read.peerEnded || read.ended || write.end === WriteEnd.Ended) return false;
  return !connection.resetting && write.stream === Stream.Whole && !connection.optionsSet && !connection.skipsPackets;
}

/** Starts to disconnect. Returns false when there is no operation for it. */
export function startDisconnect(context: Context, connection: Connection): boolean {
  const operation = context.operations.take(OperationKind.Disconnect, connection);
  if (operation === null) return false;
  closingOf(connection).disconnect = operation;
  // The peer may be slow to acknowledge, or gone.
  beginGrace(context, connection);
  try {
    context.transport.disconnect?.(connection, operation);
  } catch (error) {
    abandonOperation(context, connection, operation, error);
  }
  return true;
}

export function completeDisconnect(
  context: Context,
  connection: Connection,
  listener: Listener,
  operation: Operation,
): void {
  const { error } = operation;
  closingOf(connection).disconnect = null;
  context.operations.release(operation);
  if (error === 0 && !connection.resetting && !listener.closing) keep(context, connection, listener);
  finishClose(context, connection);
}

/** Takes the socket from the connection, for the next one. */
function keep(context: Context, connection: Connection, { spares, depth }: Listener): void {
  // Others may have come back first: many connections can end at the same time.
  if (spares === null || spares.size >= depth.current || !isUsable(context, spares, connection)) return;
  spares.put(connection.socket, connection.key);
  context.transport.detach(connection);
  connection.socket = INVALID_SOCKET;
}

function isUsable(context: Context, spares: SpareSockets, connection: Connection): boolean {
  if (spares.proven) return true;
  spares.proven = isFresh(context, connection.socket);
  spares.usable = spares.proven;
  return spares.proven;
}

/** Closes spare sockets until `most` are left. */
export function discardSpares(context: Context, { spares }: Listener, most: number): void {
  while (spares !== null && spares.size > most) {
    const socket = spares.take();
    spares.forget(socket);
    discardSocket(context, socket);
  }
}
