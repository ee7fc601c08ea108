/**
 * Handles are numbers: an index in the low 20 bits, a generation of 20 bits above it, and the number of the PAL on top.
 *
 * Windows gives a closed SOCKET's number to the next socket at once. A handle of ours is never given out twice, so one
 * that outlived its socket is recognised as stale and can never reach somebody else's connection. Nor can one that was
 * given to another PAL: it is refused with ERR_FOREIGN_HANDLE (src/util/pal-number.ts says how far that goes).
 */

declare const socketBrand: unique symbol;

/** Names one connection (or connection attempt) of one PAL. Compare with ===; never do arithmetic on it. */
export type SocketHandle = number & { readonly [socketBrand]: 'connection' };

/** Names one listening socket of one PAL. */
export type ServerHandle = number & { readonly [socketBrand]: 'server' };

/** Names one UDP socket of one PAL. */
export type UdpHandle = number & { readonly [socketBrand]: 'udp' };

/** Any of them: what closeSocket and the address queries take. */
export type AnyHandle = SocketHandle | ServerHandle | UdpHandle;

/** A listening socket, as createServer returns it. */
export interface ServerSocket {
  /** Its name, for asyncAccept, tryAccept, watch and closeSocket. */
  readonly handle: ServerHandle;
  /** The address it is bound to, as text. */
  readonly address: string;
  /** The port it is bound to; the system's choice when 0 was asked for. */
  readonly port: number;
}

/** A peer or local end point. */
export interface Endpoint {
  /** IPv4 in dotted form, IPv6 as in RFC 5952, with `%scope` where it has one. */
  readonly address: string;
  /** TCP or UDP port, 0 … 65535. */
  readonly port: number;
  /** 4 for IPv4, 6 for IPv6. */
  readonly family: 4 | 6;
}
