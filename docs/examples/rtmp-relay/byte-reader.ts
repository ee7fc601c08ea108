/** Bytes of a connection in exact numbers, and how long they may be waited for. */
import type { Connection } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { Finished, ProtocolError } from './protocol-error.ts';

export interface Patience {
  /** Milliseconds, from anywhere on. */
  readonly now: () => number;
  /** Milliseconds without what is waited for. */
  readonly silenceMs: number;
  /** Told of the first such silence in a row; the second ends the connection. */
  readonly onSilence: () => void;
}

export class ByteReader {
  /** In the time of now(): when all must be over, whatever comes meanwhile. */
  deadline = Infinity;
  /** Read into from now on. Without one, what comes is in memory of its own, and who is silent has none. */
  buffer: Buffer | null = null;
  /** Bytes that have been taken. */
  taken = 0;
  readonly #connection: Connection;
  readonly #patience: Patience;
  #held: Buffer = Buffer.alloc(0);

  constructor(connection: Connection, patience: Patience) {
    this.#connection = connection;
    this.#patience = patience;
  }

  /**
   * So many bytes. They are those of a larger buffer: copy what is kept.
   * @throws Finished when the peer has ended the stream in front of them
   */
  async take(length: number): Promise<Buffer> {
    if (this.#held.length === 0 && length > 0) {
      // What has come, with one call of the system: a chunk's head alone would cost as much.
      this.#held = await this.#patiently(async (timeout) => {
        if (this.buffer !== null) {
          const bytes = await this.#connection.read(this.buffer, { timeout });
          return bytes === 0 ? null : this.buffer.subarray(0, bytes);
        }
        const next: IteratorResult<Buffer, undefined> = await this.#connection.chunks({ timeout }).next();
        return next.value ?? null;
      });
    }
    const missing = length - this.#held.length;
    if (missing > 0) {
      const rest = await this.#patiently((timeout) => this.#connection.readExactly(missing, { timeout }));
      this.#held = Buffer.concat([this.#held, rest]);
    }
    const bytes = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    this.taken += length;
    return bytes;
  }

  async #patiently(read: (timeout: number) => Promise<Buffer | null>): Promise<Buffer> {
    const { now, silenceMs, onSilence } = this.#patience;
    for (let silences = 0; ; silences++) {
      const left = Math.ceil(this.deadline - now());
      if (left <= 0) throw new ProtocolError('The peer has taken too long to begin');
      try {
        const bytes = await read(Math.min(left, silenceMs));
        if (bytes === null) throw new Finished();
        return bytes;
      } catch (error) {
        const isSilence = (error as NodeJS.ErrnoException).code === 'ETIMEDOUT' && left > silenceMs;
        if (!isSilence || silences > 0) throw error;
        onSilence(); // no byte was taken: the next read gets what has come
      }
    }
  }
}
