/** Where connections and servers come from: one object for each foundation. */
import { inCallersStack } from './caller-stack.ts';
import { Connection } from './connection.ts';
import { aborted } from './sockets/deadline.ts';
import { DatagramSocket } from './datagram-socket.ts';
import type { BindUdpOptions, ConnectToOptions, ListenOptions, NetworkSockets } from './sockets/network-sockets.ts';
import { Server } from './server.ts';
import { wrongType } from '../util/validate.ts';

/** What listens, connects and binds. `iocp-pal/promises` exports the calls of one; networkOver() makes others. */
export interface Network {
  /**
   * Binds and listens.
   * @throws NetworkError AddressInUse, AddressNotAvailable, InvalidAddress, PermissionDenied, …; TypeError or RangeError for the options.
   */
  readonly listen: (options?: ListenOptions) => Promise<Server>;
  /**
   * Connects to an address, or to a name, whose addresses are tried as RFC 8305 says until one answers (docs/names.md).
   * @throws NetworkError ConnectionRefused, Timeout, HostUnreachable, …; TypeError or RangeError for the options.
   */
  readonly connect: (options: ConnectToOptions) => Promise<Connection>;
  /**
   * Binds a UDP socket.
   * @throws NetworkError AddressInUse, AddressNotAvailable, InvalidAddress, PermissionDenied, …; TypeError or RangeError for the options.
   */
  readonly bindUdp: (options?: BindUdpOptions) => Promise<DatagramSocket>;
}

/** A Network on these sockets. */
export function networkOn(sockets: NetworkSockets): Network {
  return {
    async listen(options = {}) {
      try {
        requireOptions(options);
        return new Server(await sockets.listen(options), sockets.scheduler);
      } catch (error) {
        return inCallersStack(error);
      }
    },
    async connect(options) {
      try {
        requireOptions(options);
        if (options.signal?.aborted === true) throw aborted(options.signal);
        return new Connection(await sockets.connect(options), sockets.scheduler);
      } catch (error) {
        return inCallersStack(error);
      }
    },
    async bindUdp(options = {}) {
      try {
        requireOptions(options);
        return new DatagramSocket(await sockets.bindUdp(options), sockets.scheduler);
      } catch (error) {
        return inCallersStack(error);
      }
    },
  };
}

function requireOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
}
