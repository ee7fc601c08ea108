/**
 * iocp-pal/promises: TCP and UDP with promises, for new code. On Windows it stands on completion ports, elsewhere on node:net and node:dgram, so that a
 * program is written and tested anywhere.
 *
 * @example
 * import { listen } from 'iocp-pal/promises';
 * await using server = await listen({ port: 7007, noDelay: true });
 * for await (const connection of server) void echo(connection);
 * async function echo(connection) {
 *   await using c = connection; // flush, FIN, close
 *   for await (const chunk of c) await c.write(chunk);
 * }
 */
import process from 'node:process';
import { sharedPal } from '../index.ts';
import type { NetworkPal } from '../pal/network-pal.ts';
import { nodeScheduler } from '../platform/node-scheduler.ts';
import type { Scheduler } from '../platform/platform.ts';
import { networkOn, type Network } from './network.ts';
import { nodeSockets } from './sockets/node-sockets.ts';
import { PalSockets } from './sockets/pal-sockets.ts';

const sockets = process.platform === 'win32' ? new PalSockets(sharedPal, nodeScheduler) : nodeSockets;
const ofThisThread = networkOn(sockets);

/**
 * Binds and listens.
 * @throws NetworkError AddressInUse, AddressNotAvailable, InvalidAddress, PermissionDenied, …; TypeError or RangeError for the options.
 */
export const listen: Network['listen'] = ofThisThread.listen;

/**
 * Connects to an address, or to a name, whose addresses are tried as RFC 8305 says until one answers (docs/names.md).
 * @throws NetworkError ConnectionRefused, Timeout, HostUnreachable, …; TypeError or RangeError for the options.
 */
export const connect: Network['connect'] = ofThisThread.connect;

/**
 * Binds a UDP socket.
 * @throws NetworkError AddressInUse, AddressNotAvailable, InvalidAddress, PermissionDenied, …; TypeError or RangeError for the options.
 */
export const bindUdp: Network['bindUdp'] = ofThisThread.bindUdp;

/**
 * Zeroed memory that is written from without a copy: for bytes that go to many connections. A write of it, of a slice, or of several such
 * pieces is done when the system has all of it; until then it must stay as it is. It lives as long as anybody can reach it.
 * @param bytes 1 … 2^30
 * @throws NetworkError ResourceExhausted when the system has no memory; TypeError or RangeError for the size.
 */
export const allocateBuffer: Network['allocateBuffer'] = ofThisThread.allocateBuffer;

/**
 * The same calls on a PAL of your own, which must be initialized and running: other options, the WSAPoll backend, a simulated platform.
 * @param scheduler the time of its platform, where that is not Node's own: `platform.scheduler` of a simulated one
 */
export function networkOver(pal: NetworkPal, scheduler: Scheduler = nodeScheduler): Network {
  return networkOn(new PalSockets(() => pal, scheduler));
}

export { NetworkError, NetworkErrorCode, type CloseOptions, type Endpoint, type Scheduler } from '../index.ts';
export type { Network } from './network.ts';
export type { BindUdpOptions, ConnectToOptions, ListenOptions } from './sockets/network-sockets.ts';
export type { Connection } from './connection.ts';
export type { DelimitedOptions } from './connection-reader.ts';
export type { Datagram } from './datagram.ts';
export type { DatagramSocket, DatagramToSend, RequestOptions } from './datagram-socket.ts';
export type { ConnectionHandler, ServeOptions, Server, ServerCloseOptions } from './server.ts';
