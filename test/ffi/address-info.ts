/**
 * What GetAddrInfoW's codes are called, which docs/errors.md shows. The library resolves names through node:dns, so no code of
 * its own needs it.
 */
import { getSystemErrorMap } from 'node:util';
import { describeSystemError, type SystemErrorDescription } from '../../ffi/system-error.ts';
import type { SystemErrorName } from '../../ffi/wsa-errors.ts';

/**
 * Name resolution reads five codes in its own way (libuv, src/win/getaddrinfo.c); every other code keeps its word.
 * ENOTFOUND is not libuv's but Node's word for EAI_NONAME.
 */
export const ADDRESS_INFO_WORDS = {
  ERROR_NOT_ENOUGH_MEMORY: 'EAI_MEMORY',
  WSAEINVAL: 'EAI_BADFLAGS',
  WSAESOCKTNOSUPPORT: 'EAI_SOCKTYPE',
  WSAEAFNOSUPPORT: 'EAI_FAMILY',
  WSAHOST_NOT_FOUND: 'ENOTFOUND',
} as const satisfies Partial<Record<SystemErrorName, string>>;

/** describeSystemError for a code that GetAddrInfoW or GetAddrInfoExW returned. */
export function describeAddressInfoError(code: number): SystemErrorDescription {
  const described = describeSystemError(code);
  const word = new Map<string, string>(Object.entries(ADDRESS_INFO_WORDS)).get(described.name);
  if (word === undefined) return described;
  const known = word === 'ENOTFOUND' ? 'EAI_NONAME' : word;
  const [errno, [, message] = ['', '']] = [...getSystemErrorMap()].find(([, [name]]) => name === known) ?? [0];
  return { name: described.name, code: word, errno, message };
}
