/** The relay: what is published once goes to everybody who plays it. */
import type { Connection, Network, Server } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import type { Allocate } from './chunks.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { LiveStream } from './live-stream.ts';
import { Session } from './session.ts';

export interface RelayOptions {
  readonly port: number;
  /** Those that are not the default ones. */
  readonly limits?: Partial<Limits>;
  /** Told who comes and goes, and why somebody was reset. */
  readonly say?: (text: string) => void;
  /** Milliseconds, from anywhere on; those of a simulation in its tests. */
  readonly now?: () => number;
}

export class Relay {
  readonly limits: Limits;
  readonly say: (text: string) => void;
  readonly now: () => number;
  readonly allocate: Allocate;
  /** Its port is the relay's. */
  readonly server: Server;
  /** Done when the relay has stopped, and every session is over. */
  readonly served: Promise<void>;
  /** Connections that are served. */
  readonly sessions = new Set<Session>();
  /** Those that are published, or played. */
  readonly streams = new Map<string, LiveStream>();

  constructor(server: Server, allocate: Allocate, options: RelayOptions) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.say = options.say ?? (() => undefined);
    this.now = options.now ?? (() => performance.now());
    this.allocate = allocate;
    this.server = server;
    const { maxConnections } = this.limits;
    const onError = (error: unknown, { remote }: Connection): void =>
      this.say(`${remote.address}:${remote.port} was reset: ${String(error)}`);
    this.served = server.serve((connection) => new Session(connection, this).run(), { maxConnections, onError });
  }

  /** The stream of this name, which begins to exist when somebody asks for it. */
  streamOf(name: string): LiveStream {
    const stream = this.streams.get(name) ?? new LiveStream(name, this.allocate);
    this.streams.set(name, stream);
    return stream;
  }

  /** Stops listening, ends the streams, and lets the players have what waits for them; after `timeout` milliseconds they are reset. */
  async stop(timeout = 5000): Promise<void> {
    const closed = this.server.close({ timeout });
    for (const stream of this.streams.values()) stream.end();
    for (const session of this.sessions) void session.stop();
    await closed;
  }
}

/** What a relay needs of iocp-pal/promises, or of a simulation. */
export type RelayNetwork = Pick<Network, 'listen' | 'allocateBuffer'>;

/** Listens, on 127.0.0.1. */
export async function startRelay({ listen, allocateBuffer }: RelayNetwork, options: RelayOptions): Promise<Relay> {
  // What is published is encoded once, into memory that every player's connection sends from.
  return new Relay(await listen({ port: options.port, noDelay: true }), allocateBuffer, options);
}
