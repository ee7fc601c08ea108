/** Resolvers for tests: they answer what they are told to, and no packet leaves. */
import type { LookupFunction } from 'node:net';

/** What names resolve to, by family; an error as the resolver gives it, or 'never' for no answer at all. */
export type Zone = Readonly<Partial<Record<4 | 6, readonly string[] | NodeJS.ErrnoException | 'never'>>>;

export interface TestLookup {
  readonly lookup: LookupFunction;
  /** `family name`, in the order in which they were asked. */
  readonly asked: string[];
  /** Gives the answers that 'never' has kept back: these addresses. */
  readonly answerNow: (addresses: readonly string[]) => void;
}

/** ENOTFOUND, as node:dns gives it. */
export function notFound(name: string): NodeJS.ErrnoException {
  const message = `getaddrinfo ENOTFOUND ${name}`;
  return Object.assign(new Error(message), { code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname: name });
}

/** A resolver that knows `zone`, whatever the name; a family that is not in it does not exist. */
export function lookupIn(zone: Zone): TestLookup {
  const asked: string[] = [];
  const kept: ((addresses: readonly string[]) => void)[] = [];
  const lookup: LookupFunction = (name, options, callback) => {
    const family = options.family === 4 ? 4 : 6;
    asked.push(`${family} ${name}`);
    const answer = (addresses: readonly string[]): void => {
      callback(
        null,
        addresses.map((address) => ({ address, family })),
      );
    };
    const known = zone[family];
    if (known === 'never') kept.push(answer);
    else if (known === undefined) setImmediate(() => callback(notFound(name), []));
    else if (known instanceof Error) setImmediate(() => callback(known, []));
    else setImmediate(() => answer(known));
  };
  return {
    lookup,
    asked,
    answerNow: (addresses) => {
      for (const answer of kept.splice(0)) answer(addresses);
    },
  };
}
