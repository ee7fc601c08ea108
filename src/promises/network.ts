/** Where connections and servers come from: one object for each foundation. */
import { asAllocated } from './allocated.ts';
import { inCallersStack } from './caller-stack.ts';
import { Connection } from './connection.ts';
import { aborted } from './sockets/deadline.ts';
import { DatagramSocket } from './datagram-socket.ts';
import type { BindUdpOptions, ConnectToOptions, ListenOptions, NetworkSockets } from './sockets/network-sockets.ts';
import { Server } from './server.ts';
import { requireInteger, wrongType } from '../util/validate.ts';

const MAX_BUFFER_BYTES = 2 ** 30;

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
  /**
   * Zeroed memory that is written from without a copy: for bytes that go to many connections. A write of it, of a slice, or of several
   * such pieces is done when the system has all of it; until then it must stay as it is. It lives as long as anybody can reach it.
   * @param bytes 1 … 2^30
   * @throws NetworkError ResourceExhausted when the system has no memory; TypeError or RangeError for the size.
   */
  readonly allocateBuffer: (bytes: number) => Buffer;
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
    allocateBuffer(bytes) {
      requireInteger('bytes', bytes, 1, MAX_BUFFER_BYTES);
      return asAllocated(sockets.allocateBuffer(bytes));
    },
  };
}

function requireOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
}
