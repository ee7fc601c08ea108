/** createServer: socket, options, bind, listen, port, and the first accepts. */
import { checkWinsock } from '../../ffi/check.ts';
import {
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_EXCLUSIVEADDRUSE,
  SO_REUSEADDR,
  SOL_SOCKET,
  SOMAXCONN,
} from '../../ffi/constants.ts';
import type { AnyHandle, Endpoint, ServerHandle, ServerSocket } from '../pal/handles.ts';
import { argumentError } from '../pal/network-error.ts';
import type { ServerOptions } from '../pal/server-options.ts';
import { formatIpAddress, type IpAddress } from '../pal/ip-address.ts';
import { AcceptLimits } from './accept-limits.ts';
import { fillPool } from './accept-pool.ts';
import { localEndpoint } from './addresses.ts';
import { captureOrigin, type Driver } from './driver.ts';
import { fromWin32Error, tooManySockets, type OperationName } from './errors.ts';
import { Listener } from './listener.ts';
import { requireInteger } from './pal-options.ts';
import { resolveAccepting } from './server-limits.ts';
import { MAX_SOCKETS } from './socket-table.ts';
import { bindSocket, discardSocket, openTcpSocket, setIntOption } from './sockets.ts';

/** As in node:net. */
const DEFAULT_BACKLOG = 511;

/** Makes a listening socket. Throws NetworkError, RangeError or TypeError, and leaves nothing behind when it does. */
export function openServer(driver: Driver, address: IpAddress, port: number, options: ServerOptions): ServerSocket {
  const backlog = options.backlog ?? DEFAULT_BACKLOG;
  requireInteger('backlog', backlog, 1, SOMAXCONN);
  const { depth, limits } = resolveAccepting(options);
  for (const name of ['receiveBufferSize', 'sendBufferSize'] as const) {
    if (options[name] !== undefined) requireInteger(name, options[name], 0, 0x7fffffff);
  }
  if (options.reuseAddr === true && options.exclusive === true) {
    throw argumentError(
      TypeError,
      'ERR_INVALID_ARG_VALUE',
      'Cannot use reuseAddr together with exclusive: the first shares the port, the second forbids it. Choose one',
    );
  }
  if (options.ipv6Only === true && address.family === 4) {
    throw argumentError(
      TypeError,
      'ERR_INVALID_ARG_VALUE',
      'Cannot use ipv6Only with an IPv4 address: bind to :: or leave it out',
    );
  }
  const now = driver.kernel.scheduler.now();
  const context = { address: formatIpAddress(address), port };
  const origin = captureOrigin(driver);
  const listener = driver.sockets.add((handle: AnyHandle) => new Listener(handle, address.family, now, origin));
  if (listener === null) throw tooManySockets(MAX_SOCKETS);
  let step: OperationName = 'socket';
  let local: Endpoint;
  try {
    listener.socket = openTcpSocket(driver, address.family);
    step = 'bind';
    applyBindOptions(driver, listener.socket, address.family, options);
    bindSocket(driver, listener.socket, address, port);
    step = 'listen';
    driver.counters.calls.listen++;
    checkWinsock(driver.kernel.ws2_32.listen(listener.socket, backlog), driver.kernel.ws2_32, 'listen');
    driver.transport.attach(listener);
    driver.transport.prepareListener(listener);
    // Before the first accept is posted: from then on only a close could take the listener back.
    local = localEndpoint(driver, listener);
  } catch (error) {
    if (step !== 'socket') discardSocket(driver, listener.socket);
    driver.sockets.remove(listener);
    throw fromWin32Error(step, error, context);
  }
  listener.depth = depth;
  listener.limits = new AcceptLimits(limits, now);
  listener.onAcceptError = options.onAcceptError;
  listener.onLimit = options.onLimit;
  listener.options = {
    receiveBufferSize: options.receiveBufferSize,
    sendBufferSize: options.sendBufferSize,
    noDelay: options.noDelay ?? false,
  };
  fillPool(driver, listener);
  return { handle: listener.handle as ServerHandle, address: local.address, port: local.port };
}

function applyBindOptions(driver: Driver, socket: number, family: 4 | 6, options: ServerOptions): void {
  if (family === 6) {
    // Always said: Windows' default is true, every other system's is false.
    setIntOption(
      driver,
      socket,
      IPPROTO_IPV6,
      IPV6_V6ONLY,
      options.ipv6Only === true ? 1 : 0,
      'setsockopt(IPV6_V6ONLY)',
    );
  }
  if (options.reuseAddr === true) setIntOption(driver, socket, SOL_SOCKET, SO_REUSEADDR, 1, 'setsockopt(SO_REUSEADDR)');
  if (options.exclusive === true) {
    setIntOption(driver, socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1, 'setsockopt(SO_EXCLUSIVEADDRUSE)');
  }
}
