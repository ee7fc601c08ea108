/**
 * A Socket whose work one of Node's does: what is bound to a descriptor or a native handle, or in a worker of a cluster, where the
 * primary process has the socket.
 */
import type dgram from 'node:dgram';
import { NodeSocket } from './node-socket.ts';
import type { SocketOptions } from './socket-state.ts';

const EVENTS = ['listening', 'connect', 'message', 'error', 'close'] as const;

/**
 * From now on what is called on `socket` is called on one of Node's, and says what that one says.
 * @param methods of our class
 */
export function becomeNodes(
  socket: NodeJS.EventEmitter,
  methods: readonly string[],
  options: SocketOptions,
): dgram.Socket {
  const node = new NodeSocket({ ...options, signal: undefined });
  for (const name of methods) {
    const value = (...args: unknown[]): unknown => {
      const result: unknown = Reflect.apply(Reflect.get(node, name) as () => unknown, node, args);
      return result === node ? socket : result;
    };
    Object.defineProperty(socket, name, { value, configurable: true, writable: true });
  }
  for (const event of EVENTS) node.on(event, (...args: unknown[]) => socket.emit(event, ...args));
  return node;
}
