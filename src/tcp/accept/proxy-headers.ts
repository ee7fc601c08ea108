/**
 * Connections of a server with proxyProtocol, between their accept and their header.
 *
 *   accept ─► header is read ─► the peer is the client ─► untaken, as every connection
 *                 │ malformed, too slow, ended, or the client has too many
 *                 └─► RST, and onAcceptError or onLimit
 *
 * They are ordinary connections whose first reads are the library's. They keep nothing alive: nobody has asked for one of them.
 */
import type { Endpoint } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { ProxyHeader } from '../../pal/proxy-protocol.ts';
import { setReferenced, type Context } from '../../context/context.ts';
import { stranger } from '../../proxy-protocol/errors.ts';
import { readHeader, type HeaderSource } from '../../proxy-protocol/read-header.ts';
import { NO_ENDPOINT } from '../../sockets/addresses.ts';
import { abort } from '../../sockets/closer.ts';
import type { Connection } from '../connection/connection.ts';
import { read } from '../reader.ts';
import type { ProxiedBy } from './accepted-by.ts';
import { fillPool } from './accept-pool.ts';
import { refusedBy } from './limit-notices.ts';
import type { Listener } from './listener.ts';

type Arrive = (context: Context, listener: Listener, connection: Connection) => void;

/** Reads the header of a connection that is among listener.unnamed. @param arrive what comes then */
export function awaitHeader(context: Context, listener: Listener, connection: Connection, arrive: Arrive): void {
  if (listener.proxy === null) return;
  setReferenced(context, connection, false);
  readHeader(sourceOf(context, connection), listener.proxy.timeoutMs, (error, header) => {
    const acceptedBy = listener.unnamed.get(connection);
    listener.unnamed.delete(connection);
    // Closed while it was read: by its server, by a stop, or by somebody who had its handle from inspect().
    if (connection.closing || acceptedBy === undefined) return;
    if (header === null || !isNamed(context, listener, connection, acceptedBy, header)) {
      if (error !== null) report(context, listener, error);
      abort(context, connection);
      return;
    }
    setReferenced(context, connection, true);
    arrive(context, listener, connection);
  });
}

/** Nobody will hear of these. */
export function stopAwaitingHeaders(context: Context, { unnamed }: Listener): void {
  for (const connection of unnamed.keys()) {
    unnamed.delete(connection);
    abort(context, connection);
  }
}

/** Tells of a peer that is none of the proxies. Its connection was accepted, so it counts for the rate. */
export function refuseStranger(context: Context, listener: Listener, peer: Endpoint, now: number): void {
  listener.limits.turnedAway(now);
  report(context, listener, stranger(peer));
}

function sourceOf(context: Context, connection: Connection): HeaderSource {
  return {
    peer: connection.peer ?? NO_ENDPOINT,
    now: () => context.platform.scheduler.now(),
    read: (target, timeout, callback) => void read(context, connection, target, target.length, { timeout }, callback),
  };
}

/** The connection becomes the client's. Returns false when the client has as many as an address may have. */
function isNamed(
  context: Context,
  listener: Listener,
  connection: Connection,
  acceptedBy: ProxiedBy,
  header: ProxyHeader,
): boolean {
  if (header.transport === 'tcp') connection.peer = header.source;
  const { address } = connection.peer ?? NO_ENDPOINT;
  if (listener.limits.isFullFor(address)) {
    refusedBy(context, listener, 'maxConnectionsPerAddress', address);
    return false;
  }
  listener.limits.named(address);
  acceptedBy.named(header);
  fillPool(context, listener);
  return true;
}

function report(context: Context, listener: Listener, error: NetworkError): void {
  context.counters.refused++;
  const { onAcceptError } = listener;
  if (onAcceptError !== undefined) context.loop.enqueue(() => onAcceptError(error));
}
