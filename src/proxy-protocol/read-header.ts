/** Reads the header that a connection begins with, and not one byte more, within one deadline for all of it. */
import { Buffer } from 'node:buffer';
import type { Endpoint } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { ProxyHeader } from '../pal/proxy-protocol.ts';
import { endedInHeader, headerTooSlow, headerUnread, malformedHeader, MalformedHeader } from './errors.ts';
import { headerBytesWanted, parseHeader } from './parse-header.ts';

/** The connection that is read. */
export interface HeaderSource {
  /** Whose connection it is, as the system says. */
  readonly peer: Endpoint;
  /** Milliseconds, which only go forwards. */
  now(): number;
  /** Reads what is there into the start of `target`, up to all of it; 0 bytes are the end. One call at a time. */
  read(target: Uint8Array, timeoutMs: number, callback: (error: NetworkError | null, bytes: number) => void): void;
}

/**
 * Milliseconds behind the deadline in which what is there is still read, once. The deadline may have passed while this thread was busy with
 * something else, and the header may have come in the meantime.
 */
const LATE_MS = 100;

export type HeaderCallback = (error: NetworkError | null, header: ProxyHeader | null) => void;

/** Calls back once, with the header or with why there is none. */
export function readHeader(source: HeaderSource, timeoutMs: number, callback: HeaderCallback): void {
  new HeaderReading(source, timeoutMs, callback).goOn();
}

class HeaderReading {
  readonly #source: HeaderSource;
  readonly #timeoutMs: number;
  #until: number;
  #isLate = false;
  readonly #callback: HeaderCallback;
  /** All that has come. */
  #bytes: Buffer = Buffer.alloc(0);

  constructor(source: HeaderSource, timeoutMs: number, callback: HeaderCallback) {
    this.#source = source;
    this.#timeoutMs = timeoutMs;
    this.#until = source.now() + timeoutMs;
    this.#callback = callback;
  }

  /** Parses what there is, and reads on where something is missing. */
  goOn(): void {
    let header: ProxyHeader;
    try {
      const wanted = headerBytesWanted(this.#bytes);
      if (wanted > 0) return this.#read(wanted);
      header = Object.freeze({ ...parseHeader(this.#bytes), proxy: this.#source.peer });
    } catch (error) {
      if (!(error instanceof MalformedHeader)) throw error;
      return this.#callback(malformedHeader(this.#source.peer, error), null);
    }
    this.#callback(null, header);
  }

  #read(wanted: number): void {
    // One that sends a byte now and then must not have a new deadline with each of them.
    const left = Math.ceil(this.#until - this.#source.now());
    if (left <= 0) return this.#late();
    const target = Buffer.alloc(wanted);
    this.#source.read(target, left, (error, bytes) => {
      const { peer } = this.#source;
      if (error?.kind === NetworkErrorCode.Timeout && error.code === 'ETIMEDOUT' && error.syscall === undefined) {
        return this.#late();
      }
      if (error !== null) return this.#callback(headerUnread(peer, this.#bytes.length, error), null);
      if (bytes === 0) return this.#callback(endedInHeader(peer, this.#bytes.length), null);
      this.#bytes = Buffer.concat([this.#bytes, target.subarray(0, bytes)]);
      this.goOn();
    });
  }

  #late(): void {
    if (!this.#isLate) {
      this.#isLate = true;
      this.#until = this.#source.now() + LATE_MS;
      return this.goOn();
    }
    this.#callback(headerTooSlow(this.#source.peer, this.#bytes.length, this.#timeoutMs), null);
  }
}
