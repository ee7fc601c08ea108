/**
 * A connection moves from one loop of the process to another.
 *
 *   transfer(): the record leaves its table, the SOCKET goes into a token ──► receiveTransfer(): into a record of the other loop
 *
 * Nothing can be lost on the way: an unassociated connection has had no operation, so what the peer has sent is in the
 * kernel, where the other loop's first read finds it.
 *
 * A token is used once: `taken` is shared by all of its copies. It also holds the SOCKET, by which a copy is noticed that says another
 * one. A token that nobody has received when its loop stops is taken back, and its connection reset: nobody else could.
 */
import { INVALID_SOCKET } from '../../../ffi/constants.ts';
import type { Endpoint, SocketHandle } from '../../pal/handles.ts';
import type { TransferToken } from '../../pal/loops.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import { isConnection, requireConnection } from './claimed-socket.ts';
import type { Connection } from '../connection/connection.ts';
import { addConnection } from '../connection-kind.ts';
import { captureOrigin, type Context } from '../../context/context.ts';
import { tooManySockets } from '../../util/errors.ts';
import { MAX_SOCKETS } from '../../sockets/socket-table.ts';
import { abortSocket } from '../../sockets/sockets.ts';
import { TWO_32 } from '../../util/bytes.ts';

/** Tokens kept before the first look for those that were used; then it doubles. */
const FIRST_PRUNING = 64;

/** Words of `taken`: 1 once somebody has the connection; and the SOCKET, in two halves. */
const TAKEN = 0;
const SOCKET_LOW = 1;
const SOCKET_HIGH = 2;
/** Words of `taken`. */
export const TAKEN_WORDS = 3;

/** The tokens that this loop gave out and that may still be unused. */
export class PendingTransfers {
  readonly #tokens = new Set<TransferToken>();
  #pruneAt = FIRST_PRUNING;

  add(token: TransferToken): void {
    // A copy: the caller has the token itself, and may change it.
    this.#tokens.add({ ...token });
    if (this.#tokens.size < this.#pruneAt) return;
    for (const one of this.#tokens) if (isTaken(one)) this.#tokens.delete(one);
    this.#pruneAt = Math.max(FIRST_PRUNING, 2 * this.#tokens.size);
  }

  /** Resets the connections that nobody has received: a FIN would tell their peers that somebody has served them. */
  takeBack(context: Context): void {
    for (const token of this.#tokens) {
      // Somebody may have closed the SOCKET behind the library's back, and its number may be another one's by now.
      if (take(token) && isConnection(context, token)) abortSocket(context, token.socket);
    }
    this.#tokens.clear();
  }
}

export function transfer(context: Context, connection: Connection): TransferToken {
  const { family, peer } = connection;
  const socket = release(context, connection);
  const token: TransferToken = {
    kind: 'iocp-pal/socket',
    socket,
    family,
    peer,
    taken: sharedWords(socket),
  };
  context.pendingTransfers.add(token);
  return token;
}

function sharedWords(socket: number): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(TAKEN_WORDS * Int32Array.BYTES_PER_ELEMENT));
  words[SOCKET_LOW] = socket | 0;
  words[SOCKET_HIGH] = Math.floor(socket / TWO_32);
  return words;
}

/** The SOCKET that a token's shared memory names. */
export function socketIn(taken: Int32Array): number {
  return (taken[SOCKET_HIGH] ?? 0) * TWO_32 + ((taken[SOCKET_LOW] ?? 0) >>> 0);
}

/**
 * Takes the connection of a token into this loop, after a look at what the system says of its SOCKET.
 * Throws NetworkError when it has gone to somebody else or is no socket, TypeError when it is not what the token says; then the
 * token is as good as before.
 */
export function receiveTransfer(context: Context, token: TransferToken): SocketHandle {
  if (!take(token)) {
    throw new NetworkError(
      'Cannot receive the connection: its token was used already, or the loop that gave it out has stopped and closed it',
      { kind: NetworkErrorCode.ConnectionClosed, code: 'ERR_TOKEN_USED' },
    );
  }
  try {
    requireConnection(context, token, { call: 'receiveTransfer', from: 'transfer()' });
    return attachSocket(context, token.socket, token.family, token.peer).handle as SocketHandle;
  } catch (error) {
    Atomics.store(token.taken, TAKEN, 0);
    throw error;
  }
}

/** Makes a record for a connected SOCKET that came from elsewhere. Throws NetworkError, and then leaves it alone. */
export function attachSocket(context: Context, socket: number, family: 4 | 6, peer: Endpoint | null): Connection {
  const connection = addConnection(context, family, captureOrigin(context));
  if (connection === null) throw tooManySockets(MAX_SOCKETS);
  connection.socket = socket;
  connection.connected = true;
  connection.peer = peer;
  return connection;
}

/** Takes an unassociated connection's SOCKET away from its record, whose handle is then one of a closed socket. */
export function release(context: Context, connection: Connection): number {
  const { socket } = connection;
  connection.closing = true;
  connection.closed = true;
  connection.socket = INVALID_SOCKET;
  context.sockets.remove(connection);
  connection.kind.gone(context, connection);
  return socket;
}

function take({ taken }: TransferToken): boolean {
  return Atomics.compareExchange(taken, TAKEN, 0, 1) === 0;
}

function isTaken({ taken }: TransferToken): boolean {
  return Atomics.load(taken, TAKEN) !== 0;
}
