/** The calls on any socket: closing, options, addresses, what keeps the process alive; and cancelling, on any call. */
import { Win32Error } from '../../ffi/check.ts';
import { INVALID_SOCKET } from '../../ffi/constants.ts';
import type { Destination } from '../pal/datagram.ts';
import type { AnyHandle, Endpoint, SocketHandle, UdpHandle } from '../pal/handles.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { CloseCallback, CloseOptions } from '../pal/network-pal.ts';
import type { CancelOptions, OperationHandle } from '../pal/pending-operation.ts';
import type { ProxyHeader } from '../pal/proxy-protocol.ts';
import type { SocketOption, SocketOptionReadings, SocketOptionValues } from '../pal/socket-option.ts';
import { setReferenced } from '../context/context.ts';
import { connectionLocal, localEndpoint, NO_ENDPOINT, remoteEndpoint } from '../sockets/addresses.ts';
import { close, reset } from '../sockets/closer.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import { Listener } from '../tcp/accept/listener.ts';
import { Connection } from '../tcp/connection/connection.ts';
import { DatagramSocket } from '../udp/datagram-socket.ts';
import { cancelled, fromWin32Error, saysGone } from '../util/errors.ts';
import { foreignHandle, isForeignOperation } from '../util/pal-number.ts';
import { CANCEL_OPTIONS, CLOSE_OPTIONS, readOptions } from '../util/read-options.ts';
import { requireInteger } from '../util/validate.ts';
import { notConnected, requireSocket, wrongKind } from './arguments.ts';
import { CallGroup, stillConnecting, type CallContext } from './call-context.ts';
import { getOption, readingOfNone, setOption } from './socket-options.ts';

/** The largest number of an operation, negated: see OperationHandle. */
const LAST_OPERATION = 2 ** 31 - 1;

/** The longest grace, milliseconds: what Node's timers take. */
const MAX_GRACE_MS = 2 ** 31 - 1;

export class SocketCalls extends CallGroup {
  closeSocket(socket: AnyHandle, optionsOrCallback?: unknown, callbackOrNone?: CloseCallback): void {
    this.calls.lifecycle.begun('closeSocket');
    const isOptions =
      callbackOrNone !== undefined || (typeof optionsOrCallback === 'object' && optionsOrCallback !== null);
    const graceMs = isOptions && optionsOrCallback !== undefined ? graceOf(optionsOrCallback) : undefined;
    const callback = isOptions ? callbackOrNone : (optionsOrCallback as CloseCallback | undefined);
    this.calls.close('closeSocket', socket, callback, (context, record, done) => close(context, record, done, graceMs));
  }

  setSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name, value: SocketOptionValues[Name]): void {
    const context = this.calls.lifecycle.begun('setSocketOption');
    const record = this.calls.known(socket);
    if (context === null || record === null) return;
    if (!record.closing) requireSocket('setSocketOption', record);
    else if (record.socket === INVALID_SOCKET) return;
    try {
      setOption(context, record, option, value);
    } catch (error) {
      // A connection that is gone has no options; its next read or write says so.
      if (error instanceof Win32Error && (record.closing || isGone(record, error))) return;
      throw fromWin32Error('option', error);
    }
  }

  getSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name): SocketOptionReadings[Name] {
    const context = this.calls.lifecycle.begun('getSocketOption');
    const record = this.calls.known(socket);
    if (context === null || record === null) return readingOfNone(option);
    if (!record.closing) requireSocket('getSocketOption', record);
    else if (record.socket === INVALID_SOCKET) return readingOfNone(option);
    try {
      return getOption(context, record, option);
    } catch (error) {
      if (error instanceof Win32Error && (record.closing || isGone(record, error))) return readingOfNone(option);
      throw fromWin32Error('option', error);
    }
  }

  ref(socket: AnyHandle): void {
    reference(this.calls, 'ref', socket, true);
  }

  unref(socket: AnyHandle): void {
    reference(this.calls, 'unref', socket, false);
  }

  getLocalAddress(socket: AnyHandle): string {
    return local(this.calls, 'getLocalAddress', socket).address;
  }

  getLocalPort(socket: AnyHandle): number {
    return local(this.calls, 'getLocalPort', socket).port;
  }

  resetSocket(socket: SocketHandle, callback?: CloseCallback): void {
    this.calls.close('resetSocket', socket, callback, (context, record, done) => {
      if (!(record instanceof Connection)) throw wrongKind(record, 'asyncConnect or asyncAccept');
      reset(context, record, done);
    });
  }

  cancel(operation: OperationHandle | SocketHandle, options: CancelOptions = {}): boolean {
    const context = this.calls.lifecycle.begun('cancel');
    const { hard = false } = readOptions<CancelOptions>(options, CANCEL_OPTIONS);
    requireInteger('operation', operation, -LAST_OPERATION, Number.MAX_SAFE_INTEGER);
    if (operation < 0 && isForeignOperation(this.calls.lifecycle.palNumber, operation)) throw foreignHandle(operation);
    const record = operation > 0 ? this.calls.known(operation as SocketHandle) : null;
    if (context === null) return false;
    const connecting = record instanceof Connection ? (record.connect?.request ?? null) : null;
    const call = operation > 0 ? connecting : context.pendingCalls.find(operation);
    return call !== null && context.pendingCalls.cancel(call, cancelled(call.operation), hard);
  }

  getRemoteAddress(socket: SocketHandle | UdpHandle): string {
    return remote(this.calls, 'getRemoteAddress', socket).address;
  }

  getRemotePort(socket: SocketHandle | UdpHandle): number {
    return remote(this.calls, 'getRemotePort', socket).port;
  }

  getProxyHeader(connection: SocketHandle): ProxyHeader | null {
    this.calls.lifecycle.begun('getProxyHeader');
    const record = this.calls.known(connection);
    if (record === null) return null;
    if (record instanceof Connection) return record.server?.proxyHeader ?? null;
    throw wrongKind(record, 'asyncConnect or asyncAccept');
  }

  getQueuedBytes(socket: SocketHandle | UdpHandle): number {
    this.calls.lifecycle.begun('getQueuedBytes');
    const record = this.calls.known(socket);
    if (record === null) return 0;
    if (record instanceof DatagramSocket) return record.queuedBytes;
    if (record instanceof Connection) return record.write.queuedBytes;
    throw wrongKind(record, 'asyncConnect or asyncAccept');
  }
}

function graceOf(given: unknown): number | undefined {
  const { graceMs } = readOptions<CloseOptions>(given, CLOSE_OPTIONS);
  if (graceMs !== undefined) requireInteger('graceMs', graceMs, 0, MAX_GRACE_MS);
  return graceMs;
}

function reference(calls: CallContext, call: string, handle: AnyHandle, referenced: boolean): void {
  const context = calls.lifecycle.begun(call);
  const record = calls.known(handle);
  if (context !== null && record !== null) setReferenced(context, record, referenced);
}

function local(calls: CallContext, call: string, handle: AnyHandle): Endpoint {
  const context = calls.lifecycle.begun(call);
  const record = calls.known(handle);
  if (context === null || record === null) return NO_ENDPOINT;
  try {
    return record instanceof Connection ? connectionLocal(context, record) : localEndpoint(context, record);
  } catch (error) {
    if (record.closing) return rememberedLocal(record);
    throw error;
  }
}

/** Where a socket was bound that is closing. Its SOCKET may be gone, while the packets of its operations are awaited. */
function rememberedLocal(record: SocketRecord): Endpoint {
  const local = record instanceof Listener || record instanceof DatagramSocket ? record.local : null;
  return local ?? NO_ENDPOINT;
}

/** Also of a connection that is closing, as long as it has its socket. */
function remote(calls: CallContext, call: string, handle: SocketHandle | UdpHandle): Destination {
  const context = calls.lifecycle.begun(call);
  const record = calls.known(handle);
  if (record instanceof DatagramSocket) return peerOf(record);
  if (context === null || record === null) return NO_ENDPOINT;
  if (!(record instanceof Connection)) throw wrongKind(record, 'asyncConnect or asyncAccept');
  if (!record.connected && !record.closing) throw stillConnecting(record);
  try {
    return remoteEndpoint(context, record);
  } catch (error) {
    // Closing before it was connected; or its peer has gone before anybody asked who it was.
    if (error instanceof NetworkError) return NO_ENDPOINT;
    throw error;
  }
}

function peerOf(socket: DatagramSocket): Destination {
  if (socket.peer !== null) return socket.peer;
  if (socket.closing) return NO_ENDPOINT;
  throw notConnected(socket);
}

function isGone(record: SocketRecord, { systemErrorCode }: Win32Error): boolean {
  return record instanceof Connection && saysGone(systemErrorCode);
}
