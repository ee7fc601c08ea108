/** The relay: what is published once goes to everybody who plays it. */
import type { Connection, Network, Server } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import type { Allocate } from './frame-memory.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { LiveStream } from './live-stream.ts';
import { Session } from './session.ts';

export interface RelayOptions {
  readonly host?: string;
  readonly port?: number;
  /** Those that are not the default ones. */
  readonly limits?: Partial<Limits>;
  /** Told who comes and goes. */
  readonly say?: (text: string) => void;
  /** Told why a connection was reset. */
  readonly onError?: (error: unknown, connection: Connection) => void;
  /** Milliseconds, from anywhere on; those of a simulation in its tests. */
  readonly now?: () => number;
}

export class Relay {
  readonly port: number;
  readonly limits: Limits;
  readonly now: () => number;
  readonly say: (text: string) => void;
  readonly allocate: Allocate;
  /** Done when the relay has stopped, and every session is over. */
  readonly served: Promise<void>;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  readonly #streams = new Map<string, LiveStream>();

  constructor(server: Server, allocate: Allocate, { limits = {}, ...options }: RelayOptions) {
    this.#server = server;
    this.port = server.port;
    this.allocate = allocate;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.say = options.say ?? (() => undefined);
    this.now = options.now ?? (() => performance.now());
    const { maxConnections } = this.limits;
    const { onError = () => undefined } = options;
    this.served = server.serve((connection) => this.#serve(connection), { maxConnections, onError });
  }

  /** The stream of this name, which begins to exist when somebody asks for it. */
  streamOf(name: string): LiveStream {
    const stream = this.#streams.get(name) ?? new LiveStream(name, this.limits.cacheBytes, this.allocate);
    this.#streams.set(name, stream);
    return stream;
  }

  /** Somebody has left it: nobody may be there any more. */
  forget(stream: LiveStream): void {
    if (!stream.isPublished && stream.players.size === 0) this.#streams.delete(stream.name);
  }

  /** Those that are published, or played. */
  get streams(): ReadonlyMap<string, LiveStream> {
    return this.#streams;
  }

  /** Connections that are served. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Stops listening, ends the streams, and lets the players have what waits for them; after `timeout` milliseconds they are reset. */
  async stop(timeout = 5000): Promise<void> {
    const closed = this.#server.close({ timeout });
    // A publisher's end is the last message of its players, so it comes first.
    const isLater = (session: Session): number => Number(!session.isPublisher);
    const sessions = [...this.#sessions].sort((one, other) => isLater(one) - isLater(other));
    for (const session of sessions) void session.stop();
    await closed;
  }

  async #serve(connection: Connection): Promise<void> {
    const session = new Session(connection, this);
    this.#sessions.add(session);
    try {
      await session.run();
    } finally {
      this.#sessions.delete(session);
    }
  }
}

/** What a relay needs of iocp-pal/promises, or of a simulation. */
export type RelayNetwork = Pick<Network, 'listen' | 'allocateBuffer'>;

/** Listens. */
export async function startRelay(network: RelayNetwork, options: RelayOptions): Promise<Relay> {
  const { host = '127.0.0.1', port = 1935 } = options;
  // What is published is encoded once, into memory that every player's connection sends from.
  const { listen, allocateBuffer } = network;
  return new Relay(await listen({ host, port, noDelay: true }), allocateBuffer, options);
}
