/** Ports of one protocol in the simulated network: who is bound where, and who listens. */
import { WSAEACCES, WSAEADDRINUSE, WSAENOBUFS } from '../../../ffi/wsa-errors.ts';
import type { SimulatedAddress } from './sockaddr.ts';
import type { Listener, SimulatedSocket } from './socket.ts';

/** The dynamic port range of Windows (RFC 6335). */
const FIRST_DYNAMIC = 49152;
const DYNAMIC_PORTS = 16384;

export class PortRegistry {
  readonly #bound = new Map<number, SimulatedSocket[]>();
  readonly #last: number;
  #next = FIRST_DYNAMIC;

  /** @param dynamicPorts how many ports a bind to port 0 chooses from */
  constructor(dynamicPorts = DYNAMIC_PORTS) {
    this.#last = FIRST_DYNAMIC + dynamicPorts - 1;
  }

  /** Binds. Returns the error code, or 0. */
  bind(socket: SimulatedSocket, address: SimulatedAddress): number {
    let { port } = address;
    if (port === 0) {
      port = this.#freePort() || (socket.sharesPort ? this.#sharedPort(() => true) : 0);
      if (port === 0) return WSAENOBUFS;
    } else {
      for (const other of this.#bound.get(port) ?? []) {
        const error = conflict(socket, other, address);
        if (error !== 0) return error;
      }
    }
    socket.local = address.withPort(port);
    const others = this.#bound.get(port);
    if (others === undefined) this.#bound.set(port, [socket]);
    else others.push(socket);
    return 0;
  }

  unbind(socket: SimulatedSocket): void {
    const port = socket.local?.port ?? 0;
    const bound = this.#bound.get(port);
    const place = bound?.indexOf(socket) ?? -1;
    if (bound === undefined || place < 0) return;
    bound.splice(place, 1);
    if (bound.length === 0) this.#bound.delete(port);
  }

  /** The sockets that are bound to a port, whatever their address. */
  boundAt(port: number): readonly SimulatedSocket[] {
    return this.#bound.get(port) ?? [];
  }

  /** Who listens at an address: bound to it, or to any address. */
  listenerAt(target: SimulatedAddress): Listener | null {
    const wanted = target.unmapped ?? target;
    let found: Listener | null = null;
    for (const { listener, local, v6Only } of this.#bound.get(target.port) ?? []) {
      if (listener === null || local === null) continue;
      if (local.family === wanted.family && local.host === wanted.host) return listener;
      if (!local.isAny) continue;
      if (local.family === wanted.family || (local.family === 6 && !v6Only)) found = listener;
    }
    return found;
  }

  /**
   * Where a socket with SO_REUSE_UNICASTPORT is going is known only now: a port that it shares must have no connection to that
   * destination. Returns false when there is none such.
   */
  settle(socket: SimulatedSocket, target: SimulatedAddress): boolean {
    const { local } = socket;
    if (local !== null && socket.sharesPort && leadsTo(this.boundAt(local.port), target)) {
      const port = this.#freePort() || this.#sharedPort((others) => !leadsTo(others, target));
      if (port === 0) return false;
      this.unbind(socket);
      socket.local = local.withPort(port);
      this.#bound.set(port, [...this.boundAt(port), socket]);
    }
    socket.target = target;
    return true;
  }

  #freePort(): number {
    return this.#find((port) => !this.#bound.has(port));
  }

  /** A port that only sockets with SO_REUSE_UNICASTPORT have. */
  #sharedPort(suits: (others: readonly SimulatedSocket[]) => boolean): number {
    return this.#find((port) => {
      const others = this.boundAt(port);
      return others.every(({ sharesPort }) => sharesPort) && suits(others);
    });
  }

  #find(suits: (port: number) => boolean): number {
    for (let tries = this.#last - FIRST_DYNAMIC; tries >= 0; tries--) {
      const port = this.#next;
      this.#next = port === this.#last ? FIRST_DYNAMIC : port + 1;
      if (suits(port)) return port;
    }
    return 0;
  }
}

/** One of the sockets connects, or is connected, to that destination. */
function leadsTo(sockets: readonly SimulatedSocket[], { host, port }: SimulatedAddress): boolean {
  return sockets.some(({ target }) => target?.host === host && target.port === port);
}

/**
 * Whether a second bind is refused, and how. The table in Microsoft's "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE" (Windows
 * Server 2003 and later) for sockets of one user; Wine refuses any-address next to a specific one as well.
 */
function conflict(second: SimulatedSocket, first: SimulatedSocket, address: SimulatedAddress): number {
  const { local } = first;
  if (local === null || first.end !== null) return 0; // a connection's own port stands in nobody's way
  const { name } = second.platform.profile;
  const same = local.family === address.family && local.host === address.host;
  const dual = local.family !== address.family && bothAny(local, address) && !(first.v6Only && second.v6Only);
  const crossing = local.family === address.family && local.isAny !== address.isAny;
  if (name === 'windows' && crossing) {
    if (local.isAny) return first.exclusive ? WSAEACCES : 0;
    return second.exclusive ? WSAEADDRINUSE : 0;
  }
  if (!same && !dual && !crossing) return 0;
  if (name === 'wine') {
    if (first.exclusive || second.reuses) return first.reuses && second.reuses ? 0 : WSAEACCES;
    return WSAEADDRINUSE;
  }
  if (!second.reuses) return WSAEADDRINUSE;
  return first.reuses ? 0 : WSAEACCES;
}

function bothAny(one: SimulatedAddress, other: SimulatedAddress): boolean {
  return one.isAny && other.isAny;
}
