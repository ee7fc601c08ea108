/**
 * Errors as Node's own modules deliver them: a plain Error with code, errno, syscall, address and port, in Node's words.
 *
 * Mistakes in arguments are refused by Node itself: what we find to be wrong is given to Node's module, which throws. So its message
 * is that of the release that runs.
 */
import { getSystemErrorMap } from 'node:util';

/** Where something was tried, as the error says it. */
export interface Place {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  /** The end here, where the caller chose it. */
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** An error of the system, as Node.js shapes it. */
export interface SystemError extends Error, Place {
  code: string;
  errno: number;
  syscall: string;
}

/** Node's number and text for each word, as of this system. */
let words: ReadonlyMap<string, { readonly errno: number; readonly text: string }> | undefined;

/** Node's number and text for a word of the system; undefined for what is none. */
export function meaningOf(code: string): { readonly errno: number; readonly text: string } | undefined {
  words ??= new Map([...getSystemErrorMap()].map(([errno, [word, text]]) => [word, { errno, text }]));
  return words.get(code);
}

/**
 * What the PAL says, in Node's shape. What is no error of the system (a limit of the PAL, for example) stays as it is: its message
 * says what to do.
 */
export function fromPal(error: NodeJS.ErrnoException, syscall: string, place: Place = {}): Error {
  const { code = '' } = error;
  return meaningOf(code) === undefined ? error : systemError(code, syscall, place);
}

/** `syscall CODE address:port - Local (address:port)` */
export function systemError(code: string, syscall: string, place: Place = {}): SystemError {
  return shaped(`${syscall} ${code}${endOf(place)}`, code, syscall, place);
}

/** `syscall CODE: what that means address:port`, which is how listen() says it. What is no error of the system stays as it is. */
export function explained(error: NodeJS.ErrnoException, syscall: string, place: Place): Error {
  const { code = '' } = error;
  const meaning = meaningOf(code);
  if (meaning === undefined) return error;
  return shaped(`${syscall} ${code}: ${meaning.text}${endOf(place)}`, code, syscall, place);
}

function shaped(message: string, code: string, syscall: string, place: Place): SystemError {
  const { address, port, localAddress, localPort } = place;
  const error = Object.assign(new Error(message), { errno: meaningOf(code)?.errno ?? 0, code, syscall });
  if (address !== undefined) Object.assign(error, { address });
  if (port !== undefined && port !== 0) Object.assign(error, { port });
  if (hasLocal(place)) Object.assign(error, { localAddress, localPort });
  return error;
}

function endOf(place: Place): string {
  const { address, port, localAddress, localPort } = place;
  // (Node says `undefined:7` of a port without an address.)
  const peer = port !== undefined && port > 0 ? ` ${address}:${port}` : address === undefined ? '' : ` ${address}`;
  return hasLocal(place) ? `${peer} - Local (${localAddress}:${localPort})` : peer;
}

/** Node names the local end only where both halves of it were chosen. */
function hasLocal(place: Place): place is Required<Place> {
  return Boolean(place.localAddress) && Boolean(place.localPort);
}

/** An error with a code of Node's own, which its stack names as Node's do: `TypeError [ERR_…]: message`. */
export function codedError(
  code: string,
  message: string,
  ErrorClass: new (message: string) => Error = Error,
): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new ErrorClass(message);
  error.code = code;
  if (error.stack?.startsWith(error.name) === true) {
    error.stack = `${error.name} [${code}]${error.stack.slice(error.name.length)}`;
  }
  return error;
}

export const blockedAddress = (address: string): NodeJS.ErrnoException =>
  codedError('ERR_IP_BLOCKED', `IP(${address}) is blocked by net.BlockList`);

/**
 * Has Node.js refuse arguments that are known to be wrong.
 * @param attempt gives them to Node's module, which throws
 */
export function refuse(attempt: () => unknown): never {
  attempt();
  throw codedError('ERR_INVALID_ARG_VALUE', 'The arguments are not valid', TypeError);
}
