/**
 * The forms of send().
 * Source: https://nodejs.org/api/dgram.html#socketsendmsg-offset-length-port-address-callback
 */
import { isUint8Array } from 'node:util/types';
import { alreadyConnected, refuseOnSocket } from './errors.ts';

/** What send() was called with. */
export interface Sending {
  /** The parts of one datagram, at least one. */
  readonly list: readonly Uint8Array[];
  /** 0 on a connected socket. */
  readonly port: number;
  readonly address: string | undefined;
  readonly callback: ((error: Error | null, bytes?: number) => void) | undefined;
}

/**
 * ```
 * (msg, offset, length, port[, address][, callback])    (msg or list, port[, address][, callback])
 * connected: (msg, offset, length[, callback])          (msg or list[, callback])
 * ```
 */
export function readSendArguments(connected: boolean, args: readonly unknown[]): Sending {
  const [message, second, third, fourth, fifth, sixth] = args;
  if (connected) {
    const isSlice = typeof third === 'number';
    const list = isSlice ? [slice(message, second, third)] : partsOf(message);
    const isLast = isSlice && typeof fourth === 'function';
    if ((fourth && !isLast) || fifth) throw alreadyConnected();
    return { list, port: 0, address: undefined, callback: callbackIn(isSlice ? (isLast ? fourth : sixth) : second) };
  }
  const isSlice = Boolean(fifth) || (Boolean(fourth) && typeof fourth !== 'function');
  const list = isSlice ? [slice(message, second, third)] : partsOf(message);
  const [port, address, callback] = isSlice ? [fourth, fifth, sixth] : [second, third, fourth];
  const number = portOf(port);
  if (typeof address === 'function') return { list, port: number, address: undefined, callback: callbackIn(address) };
  if ((address ?? null) !== null && typeof address !== 'string') {
    refuseOnSocket((socket) => socket.send('', number, address as string));
  }
  return { list, port: number, address: (address as string | null) ?? undefined, callback: callbackIn(callback) };
}

/** A port of a peer, 1 … 65535, as a number or its text. */
export function portOf(port: unknown): number {
  const isText = typeof port === 'string' && port.trim() !== '';
  const number = Number(port);
  if ((typeof port === 'number' || isText) && Number.isInteger(number) && number > 0 && number <= 0xffff) return number;
  return refuseOnSocket((socket) => socket.send('', port as number));
}

function callbackIn(value: unknown): Sending['callback'] {
  return typeof value === 'function' ? (value as Sending['callback']) : undefined;
}

function slice(message: unknown, offset: unknown, length: unknown): Uint8Array {
  const bytes = bytesOf(message);
  const from = Number(offset) >>> 0;
  const count = Number(length) >>> 0;
  if (bytes !== null && from + count <= bytes.length) return bytes.subarray(from, from + count);
  return refuseOnSocket((socket) => socket.send(message as Uint8Array, from, count, 1));
}

function partsOf(message: unknown): readonly Uint8Array[] {
  if (!Array.isArray(message)) return [bytesOf(message) ?? refuseMessage(message)];
  if (message.length === 0) return [Buffer.alloc(0)];
  return message.map((part: unknown) => bytesOf(part) ?? refuseMessage(message));
}

function bytesOf(value: unknown): Uint8Array | null {
  if (isUint8Array(value)) return value;
  if (typeof value === 'string') return Buffer.from(value);
  return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : null;
}

function refuseMessage(message: unknown): never {
  return refuseOnSocket((socket) => socket.send(message as Uint8Array, 1));
}
