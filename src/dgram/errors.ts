/** What goes wrong, as node:dgram says it. */
import type dgram from 'node:dgram';
import { codedError, fromPal, meaningOf, refuse, systemError, type Place } from '../node-shape/errors.ts';
import { NodeSocket } from './node-socket.ts';

/** What the PAL refuses as a mistake of the caller, and the system's word for it, which node:dgram passes on. */
const WORDS: Readonly<Record<string, string>> = {
  ERR_OUT_OF_RANGE: 'EINVAL',
  ERR_INVALID_ARG_TYPE: 'EINVAL',
  ERR_INVALID_ARG_VALUE: 'EINVAL',
  ERR_INVALID_IP_ADDRESS: 'EINVAL',
  ERR_NOT_SUPPORTED: 'ENOTSUP',
};

/** What a call of the PAL has thrown. */
export function refusal(error: unknown, syscall: string, place: Place = {}): Error {
  const { code = '' } = error as NodeJS.ErrnoException;
  const word = WORDS[code];
  return word === undefined ? fromPal(error as Error, syscall, place) : systemError(word, syscall, place);
}

/** Does it, and throws what goes wrong as an error of that call of the system. */
export function inNodesWords<Result>(syscall: string, place: Place, attempt: () => Result): Result {
  try {
    return attempt();
  } catch (error) {
    throw refusal(error, syscall, place);
  }
}

/**
 * Has node:dgram refuse arguments that are known to be wrong.
 * @param attempt makes a call on a socket of Node's that nothing has been done with
 */
export function refuseOnSocket(attempt: (socket: dgram.Socket) => unknown): never {
  const asked = new NodeSocket({ type: 'udp4' });
  try {
    return refuse(() => attempt(asked.on('error', () => undefined)));
  } finally {
    asked.close();
  }
}

/**
 * The size of a buffer was not to be had, as node:dgram says it: an error about an error of the system.
 * @param code of the system
 */
export function bufferSizeError(code: string, syscall: string): Error {
  const { errno = 0, text: message = '' } = meaningOf(code) ?? {};
  const text = `Could not get or set buffer size: ${syscall} returned ${code} (${message})`;
  const error = Object.assign(new Error(text), { code: 'ERR_SOCKET_BUFFER_SIZE' });
  Object.defineProperty(error, 'name', { value: 'SystemError', configurable: true, writable: true });
  return Object.assign(error, { info: { errno, code, message, syscall }, errno, syscall });
}

export const alreadyBound = (): Error => codedError('ERR_SOCKET_ALREADY_BOUND', 'Socket is already bound');
export const alreadyConnected = (): Error => codedError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'Already connected');
export const notConnected = (): Error => codedError('ERR_SOCKET_DGRAM_NOT_CONNECTED', 'Not connected');
export const notRunning = (): Error => codedError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'Not running');
