/** The addresses of names, as node:dgram finds them: with the user's own function, or with dns.lookup. */
import dns from 'node:dns';
import { isIP } from 'node:net';
import { nextTick } from '../platform/node-timers.ts';

/** Called with the error, or null and the address. */
export type LookupCallback = (error: NodeJS.ErrnoException | null, address: string) => void;
/** The option `lookup`. */
export type LookupFunction = (hostname: string, family: number, callback: LookupCallback) => void;

const lookupOfNode: unknown = dns.lookup;

export class Lookup {
  readonly #family: 4 | 6;
  readonly #find: LookupFunction;
  /** It is Node's own, of which is known that it gives an address back as it is. */
  readonly #isNodes: boolean;
  #lastAddress = '';

  constructor(family: 4 | 6, given: LookupFunction | undefined) {
    this.#family = family;
    this.#find = given ?? dns.lookup;
    this.#isNodes = this.#find === lookupOfNode;
  }

  /** The address that a text is, or stands for when it is none: that of this machine. Null when it has to be looked up. */
  known(text: string | undefined): string | null {
    if (!this.#isNodes) return null;
    const address = this.#orLoopback(text);
    if (address === this.#lastAddress) return address;
    if (isIP(address) === 0) return null;
    this.#lastAddress = address;
    return address;
  }

  /** Calls back later, unless the user's own function does so at once. */
  find(text: string | undefined, callback: LookupCallback): void {
    const address = this.known(text);
    if (address !== null) nextTick(callback, null, address);
    else this.#find(this.#orLoopback(text), this.#family, callback);
  }

  #orLoopback(text: string | undefined): string {
    if (text !== undefined && text !== '') return text;
    return this.#family === 4 ? '127.0.0.1' : '::1';
  }
}
