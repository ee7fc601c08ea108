/**
 * Several addresses of one name, tried one after the other until one answers (autoSelectFamily). Their order and the events are
 * those of node:net: families alternate, and each attempt but the last has a time of its own.
 * Source: https://nodejs.org/api/net.html#socketconnectoptions-connectlistener
 */
import { isIP } from 'node:net';
import { clearTimeout, setTimeout } from '../platform/node-timers.ts';
import { attempt, connectToOne, fail, isBlocked, isGivenUp, type Target } from './attempt.ts';
import { aggregateError, wrongAddress } from './errors.ts';
import { blockedAddress, systemError } from '../node-shape/errors.ts';
import { state } from './socket-state.ts';
import type { LookupAddress } from 'node:dns';
import type { ConnectOptions } from './connect.ts';
import type { TcpSocket } from './socket.ts';

/** Tries what a lookup has found. */
export function tryAddresses(
  socket: TcpSocket,
  host: string,
  options: ConnectOptions,
  found: readonly LookupAddress[],
  waitMs: number,
): void {
  if (!socket.connecting) return;
  for (const { address, family } of found) {
    socket.emit('lookup', null, address, family, host);
    if (isGivenUp(socket)) return;
  }
  const port = Number(options.port ?? 0);
  const { localPort } = options;
  const targets = alternating(found).map(({ address, family }) => ({ address, family, port, localPort }));
  const [first] = targets;
  if (first === undefined) {
    const wrong = wrongAddress(found[0]?.address, found[0]?.family, { address: options.host, port });
    if (wrong !== null) fail(socket, wrong);
    return;
  }
  socket._unrefTimer();
  if (targets.length === 1) return connectToOne(socket, first);
  socket.autoSelectFamilyAttemptedAddresses = [];
  new Attempts(socket, targets, waitMs).next();
}

/** Each address once, the families by turns; the first answer says which family begins. */
function alternating(found: readonly LookupAddress[]): { address: string; family: 4 | 6 }[] {
  const valid = found.filter(({ address, family }) => isIP(address) !== 0 && (family === 4 || family === 6));
  const [begins] = valid;
  if (begins === undefined) return [];
  const unique = [...new Map(valid.map((entry) => [entry.address, entry])).values()];
  const first = unique.filter(({ family }) => family === begins.family);
  const second = unique.filter(({ family }) => family !== begins.family);
  const length = Math.max(first.length, second.length);
  const order = Array.from({ length }, (_, index) => [first[index], second[index]]).flat();
  return order.filter((entry) => entry !== undefined) as { address: string; family: 4 | 6 }[];
}

class Attempts {
  readonly #socket: TcpSocket;
  readonly #targets: readonly Target[];
  readonly #waitMs: number;
  readonly #errors: NodeJS.ErrnoException[] = [];
  #current = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: TcpSocket, targets: readonly Target[], waitMs: number) {
    this.#socket = socket;
    this.#targets = targets;
    this.#waitMs = waitMs;
    socket[state].cancelConnect = () => clearTimeout(this.#timer);
  }

  /** Tries the next address, or gives up. */
  next(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (!socket.connecting) return;
    const target = this.#targets[this.#current++];
    if (target === undefined) return void socket.destroy(aggregateError(this.#errors));
    const { address, port, family } = target;
    if (isBlocked(socket, target)) return this.#failed(target, blockedAddress(address));
    socket.emit('connectionAttempt', address, port, family);
    if (isGivenUp(socket)) return;
    socket.autoSelectFamilyAttemptedAddresses?.push(`${address}:${port}`);
    attempt(socket, target, (error) => {
      clearTimeout(this.#timer);
      if (error === null) socket._connected();
      else this.#failed(target, error);
    });
    if (this.#current < this.#targets.length) {
      this.#timer = setTimeout(() => this.#timedOut(target), this.#waitMs);
    }
  }

  #failed(target: Target, error: NodeJS.ErrnoException): void {
    this.#errors.push(error);
    this.#socket.emit('connectionAttemptFailed', target.address, target.port, target.family, error);
    this.next();
  }

  /** Gives the attempt up, and its connection with it. */
  #timedOut(target: Target): void {
    const socket = this.#socket;
    const own = socket[state];
    socket.emit('connectionAttemptTimeout', target.address, target.port, target.family);
    this.#errors.push(systemError('ETIMEDOUT', 'connect', target));
    const { stream } = own;
    own.stream = null;
    stream?.close(() => undefined, []);
    this.next();
  }
}
