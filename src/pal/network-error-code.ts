/**
 * What went wrong, as a number that is stable across operating systems and releases.
 * The numbers come from the project's first C++ interface, INetworkPAL, and never change.
 */
export const NetworkErrorCode = {
  /** No failure. Never the kind of an error; for tables and logs. */
  Success: 0,
  /** The system reported a code that no other kind stands for: see systemErrorCode. */
  Unknown: 1,
  /** initialize() failed: not Windows, a 32-bit process, Electron, a layered service provider, no port, no memory. */
  InitializationFailed: 100,
  /** initialize() of a PAL that is initialized. */
  AlreadyInitialized: 101,
  /** A call before initialize(). */
  NotInitialized: 102,
  /** WSASocketW failed. */
  SocketCreationFailed: 200,
  /** bind failed, for a reason without a kind of its own. */
  BindFailed: 201,
  /** listen failed. */
  ListenFailed: 202,
  /** An accept failed, for a reason without a kind of its own. */
  AcceptFailed: 203,
  /** A connect failed, for a reason without a kind of its own. */
  ConnectFailed: 204,
  /** The connection is not established (ENOTCONN), or broke while it was watched. */
  ConnectionFailed: 205,
  /** The peer ended the connection with RST (ECONNRESET, 10054), or the system aborted it (10053). */
  ConnectionReset: 206,
  /** Nobody listens at the address (ECONNREFUSED, 10061). */
  ConnectionRefused: 207,
  /** The socket was closed here: by closeSocket, resetSocket or stopEventLoop. Also: the handle never was one. */
  ConnectionClosed: 208,
  /** A receive failed, for a reason without a kind of its own. */
  ReadFailed: 300,
  /** A send failed, for a reason without a kind of its own. */
  WriteFailed: 301,
  /** Nothing can be done now (EAGAIN, 10035). */
  WouldBlock: 302,
  /** The time that was given is over, or the system gave up waiting for the peer (ETIMEDOUT, 10060). */
  Timeout: 303,
  /** The operation was cancelled before it had ended (ECANCELED, 995). */
  Interrupted: 304,
  /** Somebody else has the address and port (EADDRINUSE, 10048). */
  AddressInUse: 400,
  /** The address is not one of this machine (EADDRNOTAVAIL, 10049). */
  AddressNotAvailable: 401,
  /** The text is no address, or one that the call cannot take. */
  InvalidAddress: 402,
  /** No route to the host (EHOSTUNREACH, 10065). */
  HostUnreachable: 403,
  /** No route to the network (ENETUNREACH, 10051), or the network is down. */
  NetworkUnreachable: 404,
  /** The process or the PAL has no room for another socket (EMFILE, 10024). */
  TooManyOpenFiles: 500,
  /** The system has no memory left (ENOMEM). */
  OutOfMemory: 501,
  /** A limit is reached: a queue is full, all operation slots are in use, or the system has no buffers (ENOBUFS). */
  ResourceExhausted: 502,
  /** The system forbids it (EACCES, 10013). */
  PermissionDenied: 600,
  /** The event loop is in the wrong state for the call (running already, stopping, or stopped), or cannot wait any more. */
  EventLoopError: 700,
} as const;

/** One of the numbers above. */
export type NetworkErrorCode = (typeof NetworkErrorCode)[keyof typeof NetworkErrorCode];
