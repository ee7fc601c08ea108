/**
 * Sockets whose connections are over and which can be accepted on again, and the completion key under which each of them
 * is on the port: a socket that is on a port stays there, under the key it came with.
 */
import { INVALID_SOCKET } from '../../../ffi/constants.ts';

export class SpareSockets {
  readonly #spare: number[] = [];
  /** Of the spare ones, and of those that wait in an accept. */
  readonly #keys = new Map<number, number>();

  /** A socket of this server was looked at after its disconnect, and was fresh. */
  proven = false;
  /** False once one was not: the system cannot do it, and is not asked again. */
  usable = true;

  /** Sockets that wait to be taken. */
  get size(): number {
    return this.#spare.length;
  }

  put(socket: number, key: number): void {
    this.#keys.set(socket, key);
    this.#spare.push(socket);
  }

  /** A socket to accept on, or INVALID_SOCKET. Its key is known until it is forgotten. */
  take(): number {
    return this.#spare.pop() ?? INVALID_SOCKET;
  }

  /** The key of a socket that was put here; undefined for any other. */
  keyOf(socket: number): number | undefined {
    return this.#keys.get(socket);
  }

  /** The socket was closed, or is a connection's again. Its number may come back as another socket's. */
  forget(socket: number): void {
    this.#keys.delete(socket);
  }
}
