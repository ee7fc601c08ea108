/** The errors of connecting by name: the name cannot be resolved, no address can be connected to, or it took too long. */
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import { endpointText } from '../../util/errors.ts';

/** Words for "this name has no address of this family", which says less than any other failure. */
const NO_SUCH_ADDRESS: readonly string[] = ['ENOTFOUND', 'ENODATA'];

/** What is named as the system call of a question to the resolver that names none itself. */
export const LOOKUP = 'lookup';

/** A host and a port, as the caller gave them. */
export interface Destination {
  readonly name: string;
  readonly port: number;
}

/** What an error may carry, of whatever type: a lookup function is the caller's. */
interface Told {
  readonly code: unknown;
  readonly errno: unknown;
  readonly syscall: unknown;
  readonly message: string;
}

/** The resolver has failed, or answered with what is no address. `cause`: undefined when it just knows no address. */
export function notResolved({ name, port }: Destination, cause: unknown): NetworkError {
  const { code, errno, syscall, message }: Partial<Told> = isError(cause) ? cause : {};
  const other = cause === undefined ? 'ENOTFOUND' : 'ERR_LOOKUP_FAILED';
  // Of a DOMException, such as a lookup function's fetch() fails with, the code is a number.
  const word = typeof code === 'string' ? code : other;
  const reason = message === undefined ? '' : ` (${message})`;
  return new NetworkError(`connect ${word} ${endpointText(name, port)}: the name cannot be resolved${reason}`, {
    // Nobody knows the name, or nobody could say.
    kind: NO_SUCH_ADDRESS.includes(word) ? NetworkErrorCode.InvalidAddress : NetworkErrorCode.HostUnreachable,
    code: word,
    errno: typeof errno === 'number' ? errno : undefined,
    syscall: typeof syscall === 'string' ? syscall : LOOKUP,
    hostname: name,
    port,
    attempts: [],
    cause,
  });
}

/** Also one of another realm (node:vm, jest), and a DOMException. */
function isError(cause: unknown): cause is Told {
  return typeof cause === 'object' && cause !== null && 'message' in cause && typeof cause.message === 'string';
}

/** Of the failures to resolve one name, the one that says most. */
export function weightiest(failures: readonly NetworkError[]): NetworkError | undefined {
  return failures.find(({ code }) => !NO_SUCH_ADDRESS.includes(code)) ?? failures[0];
}

/**
 * Every address was tried, and each has failed. Code and kind are those of the first attempt, at the most preferred
 * address, as in node:net.
 */
export function noneConnected(destination: Destination, attempts: readonly NetworkError[]): NetworkError {
  const { name, port } = destination;
  const [first] = attempts;
  if (first === undefined) return notResolved(destination, undefined);
  const { kind, code, errno, systemErrorCode, syscall, address } = first;
  const count = attempts.length === 1 ? 'its address' : `any of its ${attempts.length} addresses`;
  return new NetworkError(
    `connect ${code} ${endpointText(name, port)}: cannot connect to ${count}: ${listAttempts(attempts)}`,
    { kind, code, errno, systemErrorCode, syscall, address, port, hostname: name, attempts },
  );
}

/** The timeout has ended it, whatever it was at: `syscall` is what it waited for. `pending`: attempts under way. */
export function connectTimedOut(
  { name, port }: Destination,
  timeout: number,
  attempts: readonly NetworkError[],
  pending: number,
  syscall: string,
): NetworkError {
  const failed = attempts.length === 0 ? '' : `; failed: ${listAttempts(attempts)}`;
  const stage = attempts.length + pending === 0 ? 'the name was not resolved yet' : `${pending} attempts under way`;
  return new NetworkError(
    `connect ETIMEDOUT ${endpointText(name, port)}: not completed within ${timeout} ms (${stage}${failed})`,
    { kind: NetworkErrorCode.Timeout, code: 'ETIMEDOUT', syscall, hostname: name, port, attempts },
  );
}

function listAttempts(attempts: readonly NetworkError[]): string {
  return attempts
    .map(({ address, port, code }) => (address === undefined ? code : `${endpointText(address, port)} ${code}`))
    .join(', ');
}
