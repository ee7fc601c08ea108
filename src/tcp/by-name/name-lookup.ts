/**
 * One question to the resolver: the addresses of a name, of one family.
 *
 * The resolver is node:dns's lookup or the caller's own. Node's is getaddrinfo on a thread of libuv's pool, which is what
 * the other sockets of the process use: the same hosts file, the same cache, the same policy of the system. docs/names.md
 * compares it with GetAddrInfoExW.
 */
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { formatIpAddress, parseIpAddress, type IpAddress } from '../../pal/ip-address.ts';
import { argumentError } from '../../pal/network-error.ts';
import type { Family } from './happy-eyeballs.ts';

/** Called once: with what was thrown or answered as an error, or with the addresses of the family that was asked for. */
export type LookupAnswer = (error: unknown, addresses: readonly IpAddress[]) => void;

/** Asks. The answer may come before this returns. */
export function lookUp(lookup: LookupFunction, name: string, family: Family, answer: LookupAnswer): void {
  let answered = false;
  const once = (error: unknown, result: string | LookupAddress[]): void => {
    if (answered) return;
    answered = true;
    if (error !== null && error !== undefined) answer(error, []);
    else answerAddresses(result, family, answer);
  };
  try {
    lookup(name, { family, all: true }, once);
  } catch (error) {
    once(error, []);
  }
}

/** Whatever a resolver answers, somebody waits for what comes of it. */
function answerAddresses(result: unknown, family: Family, answer: LookupAnswer): void {
  let addresses: readonly IpAddress[];
  try {
    addresses = addressesIn(result, family);
  } catch (error) {
    answer(error, []);
    return;
  }
  answer(null, addresses);
}

/** Takes what a resolver answered: with `all` a list; some give a single address nevertheless. Throws what is wrong with it. */
function addressesIn(result: unknown, family: Family): readonly IpAddress[] {
  const list: unknown[] = Array.isArray(result) ? result : [result];
  const addresses = new Map<string, IpAddress>();
  for (const entry of list) {
    const text: unknown = typeof entry === 'string' ? entry : (entry as Partial<LookupAddress> | null)?.address;
    const address = typeof text === 'string' ? parseIpAddress(text) : null;
    if (address === null) {
      const message = `the lookup function answered '${String(text)}', which is no IP address`;
      throw argumentError(TypeError, 'ERR_INVALID_IP_ADDRESS', message);
    }
    // One that is there twice (DNS and the hosts file) is tried once.
    if (address.family === family) addresses.set(formatIpAddress(address), address);
  }
  return [...addresses.values()];
}
