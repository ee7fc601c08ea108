/** A Socket of a connection that was made without one, by the calls of a PAL. */
import type nodeNet from 'node:net';
import type { Endpoint, SocketHandle } from '../pal/handles.ts';
import type { NetworkPal } from '../pal/network-pal.ts';
import { SocketOption } from '../pal/socket-option.ts';
import { Socket } from './socket.ts';
import { AcceptedConnection } from './tcp-stream.ts';

/** What the calls that made a connection know of it. */
export interface ConnectionFacts {
  /** The peer. */
  readonly peer: Endpoint;
  /** Where this side is bound. */
  readonly local: Endpoint;
  /** Bytes that were read before, which the socket gives first. Default: none. */
  readonly head?: Uint8Array | undefined;
  /** Whether this side can still send: false behind shutdown(). Default true. */
  readonly writable?: boolean | undefined;
}

/**
 * Makes a net.Socket of a connection of a PAL, on any platform of that. The handle is the socket's from then on; no read may be pending on
 * it.
 */
export function socketOver(
  pal: NetworkPal,
  handle: SocketHandle,
  { peer, local, head, writable = true }: ConnectionFacts,
): nodeNet.Socket {
  const socket = new Socket({
    handle: new AcceptedConnection(pal, handle, peer, local),
    manualStart: true,
    writable,
    noDelay: pal.getSocketOption(handle, SocketOption.NoDelay),
    keepAlive: pal.getSocketOption(handle, SocketOption.KeepAlive),
  });
  if (head !== undefined && head.length > 0) socket.unshift(head);
  socket.read(0);
  return socket as unknown as nodeNet.Socket;
}
