/** An error of Node's modules as a NetworkError. */
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import { FALLBACK_KIND, kindOfWord, type OperationName } from '../../util/errors.ts';

/** Words of the resolver, and of systems that are not Windows. */
const OTHER_WORDS: Readonly<Record<string, NetworkErrorCode>> = {
  EINVAL: NetworkErrorCode.InvalidAddress,
  ENOTFOUND: NetworkErrorCode.InvalidAddress,
  EAI_AGAIN: NetworkErrorCode.HostUnreachable,
  EPERM: NetworkErrorCode.PermissionDenied,
};

/** What an error of node:net, node:dns or node:fs may say. */
interface Told extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
  readonly errors?: readonly Error[];
}

export function networkError(error: Error, operation: OperationName): NetworkError {
  if (error instanceof NetworkError) return error;
  const { code = 'UNKNOWN', errno, syscall, address, port, errors } = error as Told;
  const attempts = errors?.map((attempt) => networkError(attempt, operation));
  const kind = kindOfWord(code) ?? OTHER_WORDS[code] ?? FALLBACK_KIND[operation];
  const details = { kind, code, errno, syscall, address, port, attempts };
  return new NetworkError(error.message || `${operation} ${code}`, details);
}
