/** Names of a simulated world, whose addresses are known at once: a real resolver would take real time. */
import { isIP, type LookupFunction } from 'node:net';

/** The addresses of each name. */
export type Hosts = Readonly<Record<string, readonly string[]>>;

const LOCALHOST: Hosts = { localhost: ['127.0.0.1', '::1'] };

/** Answers as getaddrinfo does, with what has the family that is asked for (0: either). */
export function resolverOf(hosts: Hosts): LookupFunction {
  const known = new Map(Object.entries({ ...LOCALHOST, ...hosts }).map(([name, list]) => [name.toLowerCase(), list]));
  return (name, { family }, callback) => {
    const all = (known.get(name.toLowerCase()) ?? []).map((address) => ({ address, family: isIP(address) }));
    const found = family === 4 || family === 6 ? all.filter((entry) => entry.family === family) : all;
    if (found.length > 0) return callback(null, found);
    const details = { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name };
    callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}: simulate() knows no such name`), details), []);
  };
}
