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
  /** boolean. On Windows this lets another process take the port over: prefer ExclusiveAddr for servers. */
  ReuseAddr: 'ReuseAddr',
  /** boolean. Nobody else may bind this address and port (SO_EXCLUSIVEADDRUSE). Before bind only. */
  ExclusiveAddr: 'ExclusiveAddr',
  /** LingerOptions. What close does with unsent data in the kernel (SO_LINGER). */
  Linger: 'Linger',
} as const;

/** One of the names above. */
export type SocketOption = (typeof SocketOption)[keyof typeof SocketOption];

/** Keep-alive with its times. What is left out keeps the system's default (2 h idle, 1 s interval, 10 probes). */
export interface KeepAliveOptions {
  enabled: boolean;
  /** Seconds of silence before the first probe, 1 … 32767. */
  idleSeconds?: number;
  /** Seconds between probes, 1 … 32767. */
  intervalSeconds?: number;
  /** Unanswered probes until the connection counts as broken, 1 … 255. Windows 10 1703 and later. */
  count?: number;
}

/** SO_LINGER. `{ enabled: true, seconds: 0 }` makes close send RST; resetSocket does that and more. */
export interface LingerOptions {
  enabled: boolean;
  /** 0 … 65535. Only 0 is accepted with `enabled`: any other value makes closesocket block the whole thread. */
  seconds: number;
}

/** The type of each option's value when it is set. */
export interface SocketOptionValues {
  NoDelay: boolean;
  KeepAlive: boolean | KeepAliveOptions;
  SendBufferSize: number;
  ReceiveBufferSize: number;
  ReuseAddr: boolean;
  ExclusiveAddr: boolean;
  Linger: LingerOptions;
}

/** The type of each option's value when it is read. */
export interface SocketOptionReadings extends Omit<SocketOptionValues, 'KeepAlive'> {
  KeepAlive: boolean;
}
