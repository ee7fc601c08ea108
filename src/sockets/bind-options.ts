/** The options that servers and UDP sockets have in common: checked before a socket is made, and set before it is bound. */
import {
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_EXCLUSIVEADDRUSE,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOL_SOCKET,
} from '../../ffi/constants.ts';
import type { UdpOptions } from '../pal/datagram.ts';
import { argumentError } from '../pal/network-error.ts';
import { requireInteger } from '../util/validate.ts';
import { setIntOption, type SocketParts } from './sockets.ts';

type BindOptions = Pick<UdpOptions, 'reuseAddr' | 'exclusive' | 'ipv6Only'>;
type BufferSizes = Pick<UdpOptions, 'receiveBufferSize' | 'sendBufferSize'>;

/** Throws TypeError or RangeError. */
export function requireBindOptions(options: BindOptions & BufferSizes, family: 4 | 6): void {
  requireBufferSizes(options);
  if (options.reuseAddr === true && options.exclusive === true) {
    throw contradiction(
      'reuseAddr together with exclusive: the first shares the port, the second forbids it. Choose one',
    );
  }
  if (options.ipv6Only === true && family === 4) {
    throw contradiction('ipv6Only with an IPv4 address: bind to :: or leave it out');
  }
}

export function requireBufferSizes(options: BufferSizes): void {
  for (const name of ['receiveBufferSize', 'sendBufferSize'] as const) {
    if (options[name] !== undefined) requireInteger(name, options[name], 0, 0x7fffffff);
  }
}

/** Throws Win32Error. */
export function applyBindOptions(parts: SocketParts, socket: number, family: 4 | 6, options: BindOptions): void {
  const set = (level: number, name: number, value: number, word: string): void =>
    setIntOption(parts, socket, level, name, value, `setsockopt(${word})`);
  // Always said: Windows' default is true, every other system's is false.
  if (family === 6) set(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only === true ? 1 : 0, 'IPV6_V6ONLY');
  if (options.reuseAddr === true) set(SOL_SOCKET, SO_REUSEADDR, 1, 'SO_REUSEADDR');
  if (options.exclusive === true) set(SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1, 'SO_EXCLUSIVEADDRUSE');
}

/** Throws Win32Error. */
export function setBufferSizes(parts: SocketParts, socket: number, sizes: BufferSizes): void {
  const { receiveBufferSize, sendBufferSize } = sizes;
  if (receiveBufferSize !== undefined) {
    setIntOption(parts, socket, SOL_SOCKET, SO_RCVBUF, receiveBufferSize, 'setsockopt(SO_RCVBUF)');
  }
  if (sendBufferSize !== undefined) {
    setIntOption(parts, socket, SOL_SOCKET, SO_SNDBUF, sendBufferSize, 'setsockopt(SO_SNDBUF)');
  }
}

function contradiction(what: string): TypeError {
  return argumentError(TypeError, 'ERR_INVALID_ARG_VALUE', `Cannot use ${what}`);
}
