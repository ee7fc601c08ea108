/**
 * The PROXY protocol: what a proxy says of the client for which it has connected. docs/accepting.md explains its use.
 * Source: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
 */
import type { Endpoint, SocketHandle } from './handles.ts';

/** Option proxyProtocol of a server: whose headers are read and believed, and what becomes of everybody else. */
export interface ProxyProtocolOptions {
  /**
   * The proxies: addresses ('10.0.0.5', '2001:db8::5') and networks in CIDR form ('10.0.0.0/8', 'fd00::/8'), at least one. An IPv4 one also
   * names its IPv4-mapped form, which a peer has on an IPv6 server. Each connection from there must begin with a header, of version 1 or 2: the protocol
   * forbids guessing.
   */
  from: readonly string[];
  /**
   * Whether connections from elsewhere are refused: true (the default) resets them before anything is read. False: they are ordinary
   * connections, and nobody looks at what they send.
   */
  required?: boolean | undefined;
  /** Milliseconds for the whole header, counted from the accept, 1 … 2^31 - 1. Default 5000. Then the connection is reset. */
  timeoutMs?: number | undefined;
}

/** One of the type-length-value fields of a header of version 2. */
export interface ProxyTlv {
  /** 0 … 255: 0x01 ALPN, 0x02 the name that the client asked for (SNI), 0x05 the connection's unique id, 0x20 TLS, 0xe0 … 0xef yours. */
  readonly type: number;
  /** Its bytes, as they came. */
  readonly value: Uint8Array;
}

/** A header that has been read. */
export interface ProxyHeader {
  /** 1 is a line of text, 2 is binary. */
  readonly version: 1 | 2;
  /** 'PROXY': on behalf of a client. 'LOCAL': the proxy has connected for itself, as health checks do (version 2). */
  readonly command: 'PROXY' | 'LOCAL';
  /**
   * What the client speaks to the proxy. Only of 'tcp' the source becomes the connection's peer; with all others, and with LOCAL, that stays
   * the proxy. 'unknown': the proxy says nothing.
   */
  readonly transport: 'tcp' | 'udp' | 'unix' | 'unknown';
  /** The client; null where the header names no address and port. */
  readonly source: Endpoint | null;
  /** Where the client has connected to; null as `source`. */
  readonly destination: Endpoint | null;
  /** All fields of version 2, in order; none of a LOCAL header, and of one whose transport is 'unknown', which are to be ignored. */
  readonly tlvs: readonly ProxyTlv[];
  /** Who has sent the header: the connection's own peer. */
  readonly proxy: Endpoint;
}

/** What is known of connections that have come through a proxy. */
export interface ProxyCalls {
  /**
   * The header with which a connection began; null for one that had none: it was connected from here, its server has no option
   * proxyProtocol, or its peer is none of the proxies. Also null once the connection is gone.
   * @throws NetworkError as getRemoteAddress, for a handle that was never given out.
   */
  getProxyHeader(connection: SocketHandle): ProxyHeader | null;
}
