/**
 * iocp-pal: a network platform abstraction layer for Node on Windows, on I/O completion ports.
 *
 * @example
 * const pal = createNetworkPal();
 * pal.initialize();
 * const server = pal.createServer('127.0.0.1', 0);
 * pal.asyncAccept(server.handle, (error, client) => { … });
 * await pal.runEventLoop();
 */
import { sharedPalOf, type SharedPalHolder } from './api/shared-pal.ts';
import { makeWinsockPal } from './api/winsock-pal.ts';
import { readPalOptions, type PalOptions } from './runtime/pal-options.ts';
import type { NetworkPal } from './pal/network-pal.ts';

/**
 * Makes a PAL. Nothing is loaded or opened before its initialize().
 * @throws TypeError or RangeError for options that make no sense.
 */
export function createNetworkPal(options: PalOptions = {}): NetworkPal {
  return makeWinsockPal(readPalOptions(options));
}

/**
 * The one PAL of this thread for everybody who does without a PAL of his own: the first call makes it, starts it and runs it, and
 * the process ends with it running. So it needs neither initialize() nor runEventLoop(), and should not be stopped; when
 * somebody has, or the system could not be waited for any more (a warning, IOCP_PAL_SHARED_LOOP_FAILED), the next call makes another one.
 * That one does not know the handles of the first: keep the PAL together with its handles.
 * @throws NetworkError InitializationFailed, as initialize() does, where it cannot be started.
 */
export function sharedPal(): NetworkPal {
  return sharedPalOf(globalThis as SharedPalHolder, {});
}

export {
  createHeaderTimeout,
  createIdleTimeout,
  type SocketTimeout,
  type SocketTimeoutOptions,
} from './helpers/socket-timeout.ts';
export { describePals, describeOnSignal, type DescribeOptions } from './helpers/describe-pals.ts';
export type { Backend } from './context/transport.ts';
export type { PalOptions } from './runtime/pal-options.ts';
export type { Platform, WaiterKind, PortWaiter, Scheduler } from './platform/platform.ts';
export type { FileCalls, FileSource, SendFileOptions } from './pal/file-transfer.ts';
export type {
  DatagramPal,
  Destination,
  GroupOptions,
  ReceiveFromCallback,
  SendToCallback,
  UdpOptions,
  UdpSocket,
  DatagramBatch,
  OutgoingDatagram,
  ReceiveBatchCallback,
} from './pal/datagram.ts';
export type { AnyHandle, Endpoint, ServerHandle, ServerSocket, SocketHandle, UdpHandle } from './pal/handles.ts';
export type { AttemptCallback, NameOptions } from './pal/names.ts';
export type {
  ConnectionCallback,
  ImportServerOptions,
  LoopCalls,
  RemoteErrorCallback,
  RemotePostCallback,
  RemoteToken,
  SocketInfo,
  SpreadOptions,
  SpreadPolicy,
  TransferToken,
} from './pal/loops.ts';
export { openRemote, RemoteLoop, type RemoteOptions } from './remote/remote-loop.ts';
export { NetworkErrorCode } from './pal/network-error-code.ts';
export { NetworkError, type NetworkErrorDetails } from './pal/network-error.ts';
export type {
  AcceptCallback,
  BytesCallback,
  CloseCallback,
  CloseOptions,
  ConnectCallback,
  ConnectOptions,
  NetworkPal,
  ShutdownCallback,
  ShutdownHow,
  ViewCallback,
  WriteData,
} from './pal/network-pal.ts';
export type { ProxyCalls, ProxyHeader, ProxyProtocolOptions, ProxyTlv } from './pal/proxy-protocol.ts';
export type { CancelOptions, OperationHandle, OperationOptions } from './pal/pending-operation.ts';
export type { NetworkStats, OperationCounts } from './pal/network-stats.ts';
export type {
  FileDescription,
  OperationDescription,
  PalDescription,
  RequestDescription,
  SocketDescription,
  SocketKind,
  SocketState,
} from './pal/pal-description.ts';
export type {
  AcceptControl,
  AcceptDepthBounds,
  AcceptLimit,
  AcceptLimitEvent,
  ServerOptions,
  WhenFull,
} from './pal/server-options.ts';
export { WouldBlock, type Interest, type WatchCallback } from './pal/readiness.ts';
export {
  SocketOption,
  type KeepAliveOptions,
  type LingerOptions,
  type SocketOptionReadings,
  type SocketOptionValues,
} from './pal/socket-option.ts';
