/** createServer: socket, options, bind, listen, port, and the first accepts. And importServer, which has the socket already. */
import { checkWinsock } from '../../../ffi/check.ts';
import { SOMAXCONN } from '../../../ffi/constants.ts';
import type { AnyHandle, Endpoint, ServerHandle, ServerSocket } from '../../pal/handles.ts';
import { argumentError } from '../../pal/network-error.ts';
import type { ImportServerOptions, SocketInfo, SpreadOptions } from '../../pal/loops.ts';
import type { ServerOptions } from '../../pal/server-options.ts';
import { shown } from '../../util/shown.ts';
import { formatIpAddress, type IpAddress } from '../../pal/ip-address.ts';
import { AcceptLimits } from '../accept/accept-limits.ts';
import { fillPool } from '../accept/accept-pool.ts';
import { localEndpoint } from '../../sockets/addresses.ts';
import { attach } from '../../sockets/association.ts';
import { listenerKind } from '../accept/listener-kind.ts';
import { associateServer } from '../accept/server-association.ts';
import { applyBindOptions, requireBindOptions, requireBufferSizes } from '../../sockets/bind-options.ts';
import { bound } from '../../platform/async-context.ts';
import { DEFAULT_BACKLOG, listenArgument } from './backlog.ts';
import { captureOrigin, addPendingCallback, type Context } from '../../context/context.ts';
import { fromWin32Error, tooManySockets, type OperationName } from '../../util/errors.ts';
import { Listener } from '../accept/listener.ts';
import { requireInteger, requireOneOf } from '../../util/validate.ts';
import { resolveAccepting } from './server-limits.ts';
import { keepDuplicate, openListener, rememberUsed } from '../transfer/sharing.ts';
import { MAX_SOCKETS } from '../../sockets/socket-table.ts';
import { SpareSockets } from '../accept/socket-reuse.ts';
import { bindSocket, discardSocket, openTcpSocket } from '../../sockets/sockets.ts';
import { Distributor } from '../accept/distributor.ts';

/** Makes a listening socket. Throws NetworkError, RangeError or TypeError, and leaves nothing behind when it does. */
export function openServer(context: Context, address: IpAddress, port: number, options: ServerOptions): ServerSocket {
  const backlog = options.backlog ?? DEFAULT_BACKLOG;
  requireInteger('backlog', backlog, 1, SOMAXCONN);
  const accepting = resolveAccepting(options);
  requireBindOptions(options, address.family);
  const distributor = options.spread === undefined ? null : makeDistributor(context, options.spread);
  const errorContext = { address: formatIpAddress(address), port };
  const listener = addListener(context, address.family, captureOrigin(context));
  let step: OperationName = 'socket';
  let local: Endpoint;
  try {
    listener.socket = openTcpSocket(context, address.family);
    step = 'bind';
    applyBindOptions(context, listener.socket, address.family, options);
    bindSocket(context, listener.socket, address, port);
    step = 'listen';
    context.counters.syscalls.listen++;
    const { ws2_32 } = context.platform;
    checkWinsock(ws2_32.listen(listener.socket, listenArgument(backlog)), ws2_32, 'listen');
    const staysHere = options.deferAssociation !== true && distributor === null;
    if (options.reuseSockets === true && staysHere && context.transport.disconnect !== null) {
      listener.spares = new SpareSockets();
    }
    local = localEndpoint(context, listener);
    listener.local = local;
    // The last step: nothing after it can fail, so what it ties to the loop need not be untied.
    if (options.deferAssociation !== true || distributor !== null) {
      context.transport.prepareListener(listener, listener.spares !== null);
      attach(context, listener);
    }
  } catch (error) {
    if (step !== 'socket') discardSocket(context, listener.socket);
    context.sockets.remove(listener);
    throw fromWin32Error(step, error, errorContext);
  }
  return begin(context, listener, local, options, accepting, distributor);
}

/** Takes hold of another process's listening socket. Throws NetworkError, RangeError or TypeError, and keeps nothing then. */
export function importServer(context: Context, info: SocketInfo, options: ImportServerOptions): ServerSocket {
  const accepting = resolveAccepting(options);
  requireBufferSizes(options);
  const distributor = options.spread === undefined ? null : makeDistributor(context, options.spread);
  const socket = openListener(context, info);
  let listener: Listener;
  try {
    listener = addListener(context, info.family, captureOrigin(context));
  } catch (error) {
    keepDuplicate(context, info.id, socket);
    throw error;
  }
  listener.socket = socket;
  listener.isShared = true;
  rememberUsed(info.id);
  let local: Endpoint;
  try {
    local = localEndpoint(context, listener);
    listener.local = local;
    // The last step: of a shared server's there is no way back but its close.
    if (options.deferAssociation !== true || distributor !== null) associateServer(context, listener);
  } catch (error) {
    discardSocket(context, socket);
    context.sockets.remove(listener);
    throw fromWin32Error('listen', error);
  }
  return begin(context, listener, local, options, accepting, distributor);
}

/** A record for a listening socket in the table, without a SOCKET. Throws NetworkError when the table is full. */
function addListener(context: Context, family: 4 | 6, origin: Error | undefined): Listener {
  const now = context.platform.scheduler.now();
  const listener = context.sockets.add((handle: AnyHandle) => new Listener(listenerKind, handle, family, now, origin));
  if (listener === null) throw tooManySockets(MAX_SOCKETS);
  return listener;
}

/** Everything that can fail has been done. */
function begin(
  context: Context,
  listener: Listener,
  local: Endpoint,
  options: ImportServerOptions,
  accepting: ReturnType<typeof resolveAccepting>,
  distributor: Distributor | null,
): ServerSocket {
  listener.depth = accepting.depth;
  listener.proxy = accepting.proxy;
  listener.limits = new AcceptLimits(accepting.limits, listener.createdAt);
  const { onAcceptError, onLimit } = options;
  if (onAcceptError !== undefined) listener.onAcceptError = bound('server', onAcceptError);
  if (onLimit !== undefined) listener.onLimit = bound('server', onLimit);
  listener.options = {
    receiveBufferSize: options.receiveBufferSize,
    sendBufferSize: options.sendBufferSize,
    noDelay: options.noDelay ?? false,
    deferAssociation: options.deferAssociation ?? false,
  };
  if (distributor !== null && !listener.closing) {
    listener.distributor = distributor;
    // It has work for as long as it is open, and keeps the process alive like a pending accept.
    addPendingCallback(context, listener);
  }
  fillPool(context, listener);
  return { handle: listener.handle as ServerHandle, address: local.address, port: local.port };
}

function makeDistributor(context: Context, options: SpreadOptions): Distributor {
  if (!Array.isArray(options.loops) || options.loops.length === 0) {
    throw argumentError(
      TypeError,
      'ERR_INVALID_ARG_VALUE',
      'Cannot spread connections over no loops: spread.loops must be an array of what pal.remote() returned, and is ' +
        shown(options.loops),
    );
  }
  if (options.policy !== undefined) requireOneOf('spread.policy', options.policy, ['round-robin', 'least-loaded']);
  return new Distributor(options, context);
}
