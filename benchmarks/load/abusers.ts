/**
 * Peers that mean no good: they hold a connection and say nothing, say one byte a second, never read what they asked for,
 * or reset at the worst moment. Whoever is thrown out comes back.
 */
import { connect, type Socket } from 'node:net';

export const KINDS = ['silent', 'slow', 'deaf', 'resetting'] as const;
export type AbuserKind = (typeof KINDS)[number];

/** Of ten: four silent, three slow, one deaf, two that reset. */
const MIX: readonly AbuserKind[] = [
  'silent',
  'silent',
  'silent',
  'silent',
  'slow',
  'slow',
  'slow',
  'deaf',
  'resetting',
  'resetting',
];
/** Between two bytes of a slow one. */
const SLOW_MS = 1000;
/** The slow ones take turns in so many parts, so that they do not all speak at one instant. */
const PARTS = 10;
/** What a deaf one sends without ever reading the answers: more than the kernel's buffers on the way back hold. */
const DEAF_BYTES = 256 * 1024;
/** A resetting one sends half a message, and resets within this time. */
const RESET_WITHIN_MS = 300;
const HALF_A_MESSAGE = Buffer.alloc(32, 'h');
const ONE_BYTE = Buffer.alloc(1, 'b');
const BLIND = Buffer.alloc(DEAF_BYTES, 'd');
/** Attempts under way at a time, as long as not everybody has come once. */
const COMING_AT_ONCE = 64;

/** One connection of one of them. */
interface Visit {
  readonly number: number;
  readonly socket: Socket;
  connected: boolean;
  leftByItself: boolean;
}

export interface AbuserOptions {
  /** Milliseconds after which somebody who was thrown out, or has reset, comes back. */
  comeBackMs: number;
  /** Where they come from: an address of the loopback. */
  localAddress: string;
}

export class Abusers {
  readonly #port: number;
  readonly #options: AbuserOptions;
  readonly #sockets = new Map<number, Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #counts = { connected: 0, thrownOut: 0 };
  #part = 0;
  #ticking: NodeJS.Timeout | null = null;
  #ended = false;

  constructor(port: number, options: AbuserOptions) {
    this.#port = port;
    this.#options = options;
  }

  /** How often one of them has connected, and how often the server ended a connection. */
  get counts(): Readonly<{ connected: number; thrownOut: number }> {
    return this.#counts;
  }

  /** Those that hold a connection at this moment. */
  get present(): number {
    return this.#sockets.size;
  }

  /** Resolves when each of them has connected once. */
  async come(count: number): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count && !this.#ended) await this.#come(next++);
    };
    this.#ticking = setInterval(this.#tick, SLOW_MS / PARTS);
    await Promise.all(Array.from({ length: COMING_AT_ONCE }, lane));
  }

  /** Ends them all, for good. */
  leave(): void {
    this.#ended = true;
    if (this.#ticking !== null) clearInterval(this.#ticking);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets.values()) socket.resetAndDestroy();
    this.#sockets.clear();
  }

  /** Connects; resolves when that has ended, either way. */
  #come(number: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect({ port: this.#port, host: '127.0.0.1', localAddress: this.#options.localAddress });
      const visit: Visit = { number, socket, connected: false, leftByItself: false };
      this.#sockets.set(number, socket);
      socket.on('connect', () => {
        visit.connected = true;
        this.#counts.connected++;
        this.#act(visit);
        resolve();
      });
      // The reset that throws somebody out is an error, and always followed by the close.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        resolve();
        if (this.#ended) return;
        if (this.#sockets.get(number) === socket) this.#sockets.delete(number);
        if (visit.connected && !visit.leftByItself) this.#counts.thrownOut++;
        this.#later(this.#options.comeBackMs, () => void this.#come(number));
      });
    });
  }

  #act(visit: Visit): void {
    const { number, socket } = visit;
    switch (MIX[number % MIX.length]) {
      case 'deaf':
        socket.pause();
        socket.write(BLIND);
        break;
      case 'resetting':
        socket.write(HALF_A_MESSAGE);
        this.#later((number * 37) % RESET_WITHIN_MS, () => {
          visit.leftByItself = true;
          socket.resetAndDestroy();
        });
        break;
      default:
        socket.resume();
    }
  }

  readonly #tick = (): void => {
    this.#part = (this.#part + 1) % PARTS;
    for (const [number, socket] of this.#sockets) {
      const isTurn = Math.floor(number / MIX.length) % PARTS === this.#part;
      if (isTurn && MIX[number % MIX.length] === 'slow' && !socket.connecting) socket.write(ONE_BYTE);
    }
  };

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#ended) act();
    }, ms);
    this.#timers.add(timer);
  }
}
