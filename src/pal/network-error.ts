/** The one error class of the library: thrown by calls that fail at once, passed first to callbacks that fail later. */
import type { NetworkErrorCode } from './network-error-code.ts';

/** What a NetworkError knows beside its message. */
export interface NetworkErrorDetails {
  /** Stable number of the kind of failure. */
  kind: NetworkErrorCode;
  /** Node's word for it: an errno word ('ECONNRESET') from the system, or 'ERR_…' for a mistake of the caller. */
  code: string;
  /** The Win32 or Winsock error code (10054), when the system reported one. */
  systemErrorCode?: number | undefined;
  /** Node's errno number of the word (-4077 on Windows), when it has one. */
  errno?: number | undefined;
  /** The system call that failed ('WSARecv'), when one did. */
  syscall?: string | undefined;
  /** Address that the operation was about, as text. */
  address?: string | undefined;
  /** Port that the operation was about. */
  port?: number | undefined;
  /** Host name that was to be connected to, when it was one. */
  hostname?: string | undefined;
  /** asyncConnect by name: the attempts that failed, in the order in which they were started. */
  attempts?: readonly NetworkError[] | undefined;
  /** What the error comes from: the resolver's own error, or the reason of the AbortSignal. */
  cause?: unknown;
}

/** Marks what every copy of this class has made: a bundle and node_modules may bring one each. */
const BRAND = Symbol.for('iocp-pal.NetworkError');

/** A failed network operation. Shaped like Node's own system errors, with the stable `kind` on top. */
export class NetworkError extends Error implements NetworkErrorDetails {
  /** The name of the class, as in every error of JavaScript. */
  override readonly name = 'NetworkError';
  readonly kind: NetworkErrorCode;
  readonly code: string;
  readonly systemErrorCode: number | undefined;
  readonly errno: number | undefined;
  readonly syscall: string | undefined;
  readonly address: string | undefined;
  readonly port: number | undefined;
  declare readonly hostname: string | undefined;
  declare readonly attempts: readonly NetworkError[] | undefined;

  constructor(message: string, details: NetworkErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = details.kind;
    this.code = details.code;
    this.systemErrorCode = details.systemErrorCode;
    this.errno = details.errno;
    this.syscall = details.syscall;
    this.address = details.address;
    this.port = details.port;
    // Only where there are any: an error of an address is printed as often as one of a name, and shorter.
    if (details.hostname !== undefined) this.hostname = details.hostname;
    if (details.attempts !== undefined) this.attempts = details.attempts;
  }
}

// Not among the properties that an error is printed with.
Object.defineProperty(NetworkError.prototype, BRAND, { value: true });

// `error instanceof NetworkError` holds for the errors of every copy in the process. A class that extends NetworkError has
// only its own instances. Not a static method: bundlers rename a class that names itself inside.
Object.defineProperty(NetworkError, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    if (this !== NetworkError) return Function.prototype[Symbol.hasInstance].call(this as () => void, value);
    return typeof value === 'object' && value !== null && BRAND in value;
  },
});

/** A TypeError or RangeError with a Node-style `code`, for arguments that no state of the network could make right. */
export function argumentError<E extends TypeError>(
  ErrorClass: new (message: string) => E,
  code: string,
  message: string,
): E & { code: string } {
  return Object.assign(new ErrorClass(message), { code });
}
