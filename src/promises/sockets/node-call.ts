/** What a PAL does for each call, for the sockets of Node.js: signals, timeouts, and errors in one shape. */
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import { clearTimeout, setTimeout } from '../../platform/node-timers.ts';
import { requireInteger } from '../../util/validate.ts';
import { aborted, timedOut } from './deadline.ts';

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * One call that may be taken back: calls `onTakenBack` with the error when its time is over or its signal aborted, unless over() was
 * called before.
 */
export class NodeCall {
  readonly #onTakenBack: (error: NetworkError) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor({ signal, timeout }: OperationOptions, onTakenBack: (error: NetworkError) => void) {
    if (timeout !== undefined) requireInteger('timeout', timeout, 1, MAX_TIMEOUT_MS);
    this.#onTakenBack = onTakenBack;
    this.#signal = signal;
    if (timeout !== undefined) this.#timer = setTimeout(() => this.#takeBack(timedOut(timeout)), timeout);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  over(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    if (this.#signal !== undefined) this.#takeBack(aborted(this.#signal));
  };

  #takeBack(error: NetworkError): void {
    this.over();
    this.#onTakenBack(error);
  }
}

/** The kinds of the words that mean the same whatever was done. */
const KINDS: ReadonlyMap<string, NetworkErrorCode> = new Map<string, NetworkErrorCode>([
  ['ECONNRESET', NetworkErrorCode.ConnectionReset],
  ['ECONNABORTED', NetworkErrorCode.ConnectionReset],
  ['ECONNREFUSED', NetworkErrorCode.ConnectionRefused],
  ['ETIMEDOUT', NetworkErrorCode.Timeout],
  ['EADDRINUSE', NetworkErrorCode.AddressInUse],
  ['EADDRNOTAVAIL', NetworkErrorCode.AddressNotAvailable],
  ['EAFNOSUPPORT', NetworkErrorCode.InvalidAddress],
  ['EINVAL', NetworkErrorCode.InvalidAddress],
  ['ENOTFOUND', NetworkErrorCode.InvalidAddress],
  ['EAI_AGAIN', NetworkErrorCode.HostUnreachable],
  ['EHOSTUNREACH', NetworkErrorCode.HostUnreachable],
  ['ENETUNREACH', NetworkErrorCode.NetworkUnreachable],
  ['ENETDOWN', NetworkErrorCode.NetworkUnreachable],
  ['EMFILE', NetworkErrorCode.TooManyOpenFiles],
  ['ENOBUFS', NetworkErrorCode.ResourceExhausted],
  ['ENOMEM', NetworkErrorCode.OutOfMemory],
  ['EACCES', NetworkErrorCode.PermissionDenied],
  ['EPERM', NetworkErrorCode.PermissionDenied],
]);

/** An error of Node.js as a NetworkError. @param otherwise the kind of one that has none of its own */
export function networkError(error: Error, otherwise: NetworkErrorCode): NetworkError {
  if (error instanceof NetworkError) return error;
  const {
    code = 'UNKNOWN',
    errno,
    syscall,
    address,
    port,
    errors,
  } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
    errors?: Error[];
  };
  const attempts = errors?.map((attempt) => networkError(attempt, otherwise));
  const kind = KINDS.get(code) ?? otherwise;
  return new NetworkError(error.message || `connect ${code}`, { kind, code, errno, syscall, address, port, attempts });
}
