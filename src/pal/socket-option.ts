/** The socket options of the contract, and the values they take. */

/** Options by name, for setSocketOption and getSocketOption. */
export const SocketOption = {
  /** boolean. Send small segments at once (TCP_NODELAY). */
  NoDelay: 'NoDelay',
  /** boolean or KeepAliveOptions. Probe an idle peer (SO_KEEPALIVE). Reads back as a boolean. */
  KeepAlive: 'KeepAlive',
  /** bytes. The kernel's send buffer (SO_SNDBUF). */
  SendBufferSize: 'SendBufferSize',
  /** bytes. The kernel's receive buffer (SO_RCVBUF). */
  ReceiveBufferSize: 'ReceiveBufferSize',
  /**
   * boolean. On Windows this lets another process take the port over: prefer ExclusiveAddr for servers. Before bind only:
   * Windows refuses it on a bound socket with EINVAL, whatever the value, so give it to createServer or createUdpSocket.
   */
  ReuseAddr: 'ReuseAddr',
  /** boolean. Nobody else may bind this address and port (SO_EXCLUSIVEADDRUSE). Before bind only. */
  ExclusiveAddr: 'ExclusiveAddr',
  /** LingerOptions. What close does with unsent data in the kernel (SO_LINGER). */
  Linger: 'Linger',
  /** boolean. UDP: sending to a broadcast address is allowed (SO_BROADCAST). */
  Broadcast: 'Broadcast',
  /** Hops of packets to one peer, 1 … 255 (IP_TTL, IPV6_UNICAST_HOPS). */
  TTL: 'TTL',
  /** Hops of datagrams to a group, 0 … 255 (IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS). 1, the default: this network only. */
  MulticastTTL: 'MulticastTTL',
  /**
   * boolean. Datagrams to a group come to its members on this machine too (IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP).
   * Default true. On Windows the receivers' setting counts, elsewhere the sender's: set it on both.
   */
  MulticastLoop: 'MulticastLoop',
  /**
   * Interface through which datagrams to a group leave (IP_MULTICAST_IF, IPV6_MULTICAST_IF), as in GroupOptions. Reads
   * back as the address that was set (IPv4; an index as 0.0.0.index) or the index (IPv6); '0.0.0.0' and 0 are the
   * system's choice.
   */
  MulticastInterface: 'MulticastInterface',
} as const;

/** One of the names above. */
export type SocketOption = (typeof SocketOption)[keyof typeof SocketOption];

/** Keep-alive with its times. What is left out keeps the system's default (2 h idle, 1 s interval, 10 probes). */
export interface KeepAliveOptions {
  /** Probe an idle peer, or not. */
  enabled: boolean;
  /** Seconds of silence before the first probe, 1 … 32767. */
  idleSeconds?: number | undefined;
  /** Seconds between probes, 1 … 32767. */
  intervalSeconds?: number | undefined;
  /** Unanswered probes until the connection counts as broken, 1 … 255. Windows 10 1703 and later. */
  count?: number | undefined;
}

/** SO_LINGER. `{ enabled: true, seconds: 0 }` makes close send RST; resetSocket does that and more. */
export interface LingerOptions {
  /** Whether closing waits for unsent data (for `seconds`), instead of leaving it to the system. */
  enabled: boolean;
  /** Seconds, 0 … 65535. Only 0 is accepted with `enabled`: every other value makes closesocket block the whole thread. */
  seconds: number;
}

/** The type of each option's value when it is set. */
export interface SocketOptionValues {
  /** TCP_NODELAY: true sends small segments at once. */
  NoDelay: boolean;
  /** SO_KEEPALIVE, with its times when given as an object. */
  KeepAlive: boolean | KeepAliveOptions;
  /** SO_SNDBUF in bytes, 0 … 2^31 - 1. */
  SendBufferSize: number;
  /** SO_RCVBUF in bytes, 0 … 2^31 - 1. */
  ReceiveBufferSize: number;
  /** SO_REUSEADDR. */
  ReuseAddr: boolean;
  /** SO_EXCLUSIVEADDRUSE. */
  ExclusiveAddr: boolean;
  /** SO_LINGER. */
  Linger: LingerOptions;
  /** SO_BROADCAST: UDP only. */
  Broadcast: boolean;
  /** IP_TTL or IPV6_UNICAST_HOPS: hops, 1 … 255. */
  TTL: number;
  /** IP_MULTICAST_TTL or IPV6_MULTICAST_HOPS: hops, 0 … 255. */
  MulticastTTL: number;
  /** IP_MULTICAST_LOOP or IPV6_MULTICAST_LOOP. */
  MulticastLoop: boolean;
  /** IP_MULTICAST_IF or IPV6_MULTICAST_IF: an address, or an interface's index. */
  MulticastInterface: string | number;
}

/** The type of each option's value when it is read. */
export interface SocketOptionReadings extends Omit<SocketOptionValues, 'KeepAlive'> {
  /** SO_KEEPALIVE; the system does not give its times in one call. */
  KeepAlive: boolean;
}
