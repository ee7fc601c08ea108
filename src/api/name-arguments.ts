/** Checks of what asyncConnect is told about names and families. */
import type { IpAddress } from '../pal/ip-address.ts';
import { argumentError } from '../pal/network-error.ts';
import type { NameOptions } from '../pal/names.ts';
import { shown } from '../util/shown.ts';
import { FAMILIES, MAX_ATTEMPT_DELAY_MS, MIN_ATTEMPT_DELAY_MS, type Family } from '../tcp/by-name/happy-eyeballs.ts';
import { requireInteger, requireFunction } from '../util/validate.ts';
import { invalidAddress } from './arguments.ts';

/** The families that a connection may use, the preferred one first. */
export function requireFamilies(
  text: string,
  host: IpAddress | string,
  local: IpAddress | null,
  { family = 0, lookup, attemptDelay, onAttempt }: NameOptions,
): readonly [Family, ...Family[]] {
  if (![0, 4, 6].includes(family)) {
    throw argumentError(
      TypeError,
      'ERR_INVALID_ARG_VALUE',
      `Cannot use family: it must be 4, 6, or 0 for both, and is ${shown(family)}`,
    );
  }
  if (lookup !== undefined) requireFunction('lookup', lookup);
  if (onAttempt !== undefined) requireFunction('onAttempt', onAttempt);
  if (attemptDelay !== undefined) {
    requireInteger('attemptDelay', attemptDelay, MIN_ATTEMPT_DELAY_MS, MAX_ATTEMPT_DELAY_MS);
  }
  const wanted = FAMILIES.filter((each) => family === 0 || family === each);
  const targets = wanted.filter((each) => typeof host === 'string' || host.family === each);
  if (targets.length === 0) {
    const other = family === 4 ? 6 : 4;
    throw invalidAddress(
      `Cannot connect to ${text} with family ${family}: it is an IPv${other} address. Leave family out`,
    );
  }
  const [first, ...rest] = targets.filter((each) => local === null || local.family === each);
  if (first !== undefined) return [first, ...rest];
  throw invalidAddress(
    `Cannot connect to ${text}${family === 0 ? '' : ` with family ${family}`} from an IPv${local?.family} address: ` +
      'one is IPv4, the other IPv6. Take a localAddress of the same family, or none',
  );
}
