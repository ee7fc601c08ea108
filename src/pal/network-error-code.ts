/**
 * What went wrong, as a number that is stable across operating systems and releases.
 * The numbers come from the project's first C++ interface, INetworkPAL, and never change.
 */
export const NetworkErrorCode = {
  Success: 0,
  Unknown: 1,
  InitializationFailed: 100,
  AlreadyInitialized: 101,
  NotInitialized: 102,
  SocketCreationFailed: 200,
  BindFailed: 201,
  ListenFailed: 202,
  AcceptFailed: 203,
  ConnectFailed: 204,
  ConnectionFailed: 205,
  ConnectionReset: 206,
  ConnectionRefused: 207,
  ConnectionClosed: 208,
  ReadFailed: 300,
  WriteFailed: 301,
  WouldBlock: 302,
  Timeout: 303,
  Interrupted: 304,
  AddressInUse: 400,
  AddressNotAvailable: 401,
  InvalidAddress: 402,
  HostUnreachable: 403,
  NetworkUnreachable: 404,
  TooManyOpenFiles: 500,
  OutOfMemory: 501,
  ResourceExhausted: 502,
  PermissionDenied: 600,
  EventLoopError: 700,
} as const;

/** One of the numbers above. */
export type NetworkErrorCode = (typeof NetworkErrorCode)[keyof typeof NetworkErrorCode];
