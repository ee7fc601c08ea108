/** Errors of node:net alone, in Node's words. */
import { isIP } from 'node:net';
import { codedError, type Place } from '../node-shape/errors.ts';

/** Several attempts have failed. */
export function aggregateError(errors: readonly NodeJS.ErrnoException[]): AggregateError {
  return Object.assign(new AggregateError(errors), { code: errors[0]?.code });
}

export const socketClosed = (): Error => codedError('ERR_SOCKET_CLOSED', 'Socket is closed');
export const closedBeforeConnection = (): Error =>
  codedError('ERR_SOCKET_CLOSED_BEFORE_CONNECTION', 'Socket closed before the connection was established');

/** What is wrong with an answer of a lookup, or null. */
export function wrongAddress(address: unknown, family: unknown, asked: Place): Error | null {
  if (typeof address !== 'string' || isIP(address) === 0) {
    return codedError('ERR_INVALID_IP_ADDRESS', `Invalid IP address: ${String(address)}`, TypeError);
  }
  if (family === 4 || family === 6) return null;
  const { address: host, port } = asked;
  const message = `Invalid address family: ${String(family)} ${String(host)}:${String(port)}`;
  return Object.assign(codedError('ERR_INVALID_ADDRESS_FAMILY', message, RangeError), { host, port });
}
