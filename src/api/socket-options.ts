/** Socket options: from the contract's names and values to setsockopt, and back. */
import { checkWinsock, Win32Error } from '../../ffi/check.ts';
import {
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_UNICAST_HOPS,
  SIO_KEEPALIVE_VALS,
  SO_BROADCAST,
  SO_EXCLUSIVEADDRUSE,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from '../../ffi/constants.ts';
import { LINGER } from '../../ffi/layouts.ts';
import { WSAENOPROTOOPT } from '../../ffi/wsa-errors.ts';
import { argumentError } from '../pal/network-error.ts';
import {
  SocketOption,
  type KeepAliveOptions,
  type LingerOptions,
  type SocketOptionReadings,
  type SocketOptionValues,
} from '../pal/socket-option.ts';
import type { Context } from '../context/context.ts';
import { interfaceOf } from '../udp/multicast.ts';
import { requireInteger } from '../util/validate.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import { shown } from '../util/shown.ts';
import { getIntOption, setIntOption } from '../sockets/sockets.ts';

/** What Windows uses where the caller gives no time: 2 hours idle, 1 second between probes. */
const DEFAULT_IDLE_SECONDS = 7200;
const DEFAULT_INTERVAL_SECONDS = 1;
/** Most that TCP_KEEPIDLE and TCP_KEEPINTVL take, seconds, and TCP_KEEPCNT, probes. */
const MAX_KEEPALIVE_SECONDS = 32767;
const MAX_KEEPALIVE_COUNT = 255;

interface IntOption {
  readonly level: number;
  readonly name: number;
  readonly syscall: string;
  readonly boolean: boolean;
  /** Range of a number; 0 … 2^31-1 where nothing is said. */
  readonly least?: number;
  readonly most?: number;
}

const INT_OPTIONS = {
  NoDelay: { level: IPPROTO_TCP, name: TCP_NODELAY, syscall: 'TCP_NODELAY', boolean: true },
  KeepAlive: { level: SOL_SOCKET, name: SO_KEEPALIVE, syscall: 'SO_KEEPALIVE', boolean: true },
  SendBufferSize: { level: SOL_SOCKET, name: SO_SNDBUF, syscall: 'SO_SNDBUF', boolean: false },
  ReceiveBufferSize: { level: SOL_SOCKET, name: SO_RCVBUF, syscall: 'SO_RCVBUF', boolean: false },
  ReuseAddr: { level: SOL_SOCKET, name: SO_REUSEADDR, syscall: 'SO_REUSEADDR', boolean: true },
  ExclusiveAddr: { level: SOL_SOCKET, name: SO_EXCLUSIVEADDRUSE, syscall: 'SO_EXCLUSIVEADDRUSE', boolean: true },
  Broadcast: { level: SOL_SOCKET, name: SO_BROADCAST, syscall: 'SO_BROADCAST', boolean: true },
} as const satisfies Partial<Record<SocketOption, IntOption>>;

/** Options that are of level IPPROTO_IP or of level IPPROTO_IPV6, as the socket is. */
const FAMILY_OPTIONS = {
  TTL: {
    4: { level: IPPROTO_IP, name: IP_TTL, syscall: 'IP_TTL', boolean: false, least: 1, most: 255 },
    6: {
      level: IPPROTO_IPV6,
      name: IPV6_UNICAST_HOPS,
      syscall: 'IPV6_UNICAST_HOPS',
      boolean: false,
      least: 1,
      most: 255,
    },
  },
  MulticastTTL: {
    4: { level: IPPROTO_IP, name: IP_MULTICAST_TTL, syscall: 'IP_MULTICAST_TTL', boolean: false, most: 255 },
    6: { level: IPPROTO_IPV6, name: IPV6_MULTICAST_HOPS, syscall: 'IPV6_MULTICAST_HOPS', boolean: false, most: 255 },
  },
  MulticastLoop: {
    4: { level: IPPROTO_IP, name: IP_MULTICAST_LOOP, syscall: 'IP_MULTICAST_LOOP', boolean: true },
    6: { level: IPPROTO_IPV6, name: IPV6_MULTICAST_LOOP, syscall: 'IPV6_MULTICAST_LOOP', boolean: true },
  },
} as const satisfies Partial<Record<SocketOption, Readonly<Record<4 | 6, IntOption>>>>;

/** Sets an option. Throws TypeError or RangeError for a bad value, Win32Error when the system refuses it. */
export function setOption<Name extends SocketOption>(
  context: Context,
  record: SocketRecord,
  option: Name,
  value: SocketOptionValues[Name],
): void {
  record.optionsSet = true;
  if (option === SocketOption.Linger) {
    setLinger(context, record, value as LingerOptions);
    return;
  }
  if (option === SocketOption.KeepAlive && typeof value === 'object' && (value as unknown) !== null) {
    setKeepAlive(context, record, value);
    return;
  }
  if (option === SocketOption.MulticastInterface) {
    setMulticastInterface(context, record, value);
    return;
  }
  const known = intOption(option, record.family);
  let number: number;
  if (known.boolean) {
    if (typeof value !== 'boolean') throw badValue(option, value, 'a boolean');
    number = value ? 1 : 0;
  } else {
    requireInteger(option, value, known.least ?? 0, known.most ?? 0x7fffffff);
    number = value;
  }
  setIntOption(context, record.socket, known.level, known.name, number, `setsockopt(${known.syscall})`);
}

/** Reads an option. Throws Win32Error when the system refuses. */
export function getOption<Name extends SocketOption>(
  context: Context,
  record: SocketRecord,
  option: Name,
): SocketOptionReadings[Name] {
  return readOption(context, record, option) as SocketOptionReadings[Name];
}

/** What an option reads as on a socket that is closed: nothing is set, and there is no buffer. Throws TypeError for no option. */
export function readingOfNone<Name extends SocketOption>(option: Name): SocketOptionReadings[Name] {
  if (option === SocketOption.Linger) return { enabled: false, seconds: 0 } as SocketOptionReadings[Name];
  if (option === SocketOption.MulticastInterface) return 0 as SocketOptionReadings[Name];
  return (intOption(option, 4).boolean ? false : 0) as SocketOptionReadings[Name];
}

function readOption(
  context: Context,
  record: SocketRecord,
  option: SocketOption,
): number | boolean | string | LingerOptions {
  if (option === SocketOption.Linger) {
    const value = getIntOption(context, record.socket, SOL_SOCKET, SO_LINGER, 'getsockopt(SO_LINGER)');
    return { enabled: (value & 0xffff) !== 0, seconds: value >>> 16 };
  }
  if (option === SocketOption.MulticastInterface) return multicastInterface(context, record);
  const known = intOption(option, record.family);
  const value = getIntOption(context, record.socket, known.level, known.name, `getsockopt(${known.syscall})`);
  return known.boolean ? value !== 0 : value;
}

function intOption(option: SocketOption, family: 4 | 6): IntOption {
  const isWord = typeof (option as unknown) === 'string';
  if (isWord && Object.hasOwn(FAMILY_OPTIONS, option))
    return FAMILY_OPTIONS[option as keyof typeof FAMILY_OPTIONS][family];
  if (isWord && Object.hasOwn(INT_OPTIONS, option)) return INT_OPTIONS[option as keyof typeof INT_OPTIONS];
  throw badValue('the socket option', option, `one of ${Object.keys(SocketOption).join(', ')}`);
}

/** IP_MULTICAST_IF takes an address (or 0.x.x.x for an index) in network byte order, IPV6_MULTICAST_IF an index. */
function setMulticastInterface(context: Context, record: SocketRecord, value: unknown): void {
  const { socket, family } = record;
  const number = interfaceOf(family, SocketOption.MulticastInterface, value);
  if (family === 6) {
    setIntOption(context, socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, number | 0, 'setsockopt(IPV6_MULTICAST_IF)');
    return;
  }
  setIntOption(context, socket, IPPROTO_IP, IP_MULTICAST_IF, swapBytes(number), 'setsockopt(IP_MULTICAST_IF)');
  record.multicastInterface = number;
}

function multicastInterface(context: Context, record: SocketRecord): string | number {
  const { socket, family } = record;
  if (family === 6) {
    return getIntOption(context, socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, 'getsockopt(IPV6_MULTICAST_IF)') >>> 0;
  }
  const read = getIntOption(context, socket, IPPROTO_IP, IP_MULTICAST_IF, 'getsockopt(IP_MULTICAST_IF)');
  const value = record.multicastInterface ?? swapBytes(read);
  return [value >>> 24, value >>> 16, value >>> 8, value].map((byte) => byte & 0xff).join('.');
}

/** From network byte order to that of the machine, which is little-endian. */
function swapBytes(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

function setLinger({ platform, counters, scratch }: Context, record: SocketRecord, value: LingerOptions): void {
  const given: unknown = value;
  if (typeof given !== 'object' || given === null) throw badValue('Linger', value, '{ enabled, seconds }');
  const { enabled, seconds } = value; // once: what is checked must be what is set
  if (typeof (enabled as unknown) !== 'boolean') throw badValue('Linger', value, '{ enabled, seconds }');
  requireInteger('Linger.seconds', seconds, 0, 65535);
  if (enabled && seconds > 0) {
    throw badValue(
      'Linger.seconds',
      seconds,
      '0: with any other value closesocket blocks this thread. closeSocket flushes without blocking (closeGraceMs)',
    );
  }
  scratch.view.setUint16(LINGER.l_onoff, enabled ? 1 : 0, true);
  scratch.view.setUint16(LINGER.l_linger, seconds, true);
  counters.syscalls.setsockopt++;
  const result = platform.ws2_32.setsockopt(record.socket, SOL_SOCKET, SO_LINGER, scratch.address, LINGER.size);
  checkWinsock(result, platform.ws2_32, 'setsockopt(SO_LINGER)');
}

/**
 * Keep-alive with times. The TCP_KEEP… options take seconds and exist since Windows 10 1709 (TCP_KEEPCNT: 1703); before
 * that, and under Wine, SIO_KEEPALIVE_VALS sets the two times in milliseconds and the count is fixed at 10.
 */
function setKeepAlive(context: Context, record: SocketRecord, value: KeepAliveOptions): void {
  const { enabled, idleSeconds, intervalSeconds, count } = value;
  if (typeof enabled !== 'boolean') throw badValue('KeepAlive.enabled', enabled, 'a boolean');
  if (idleSeconds !== undefined) requireInteger('KeepAlive.idleSeconds', idleSeconds, 1, MAX_KEEPALIVE_SECONDS);
  if (intervalSeconds !== undefined) {
    requireInteger('KeepAlive.intervalSeconds', intervalSeconds, 1, MAX_KEEPALIVE_SECONDS);
  }
  if (count !== undefined) requireInteger('KeepAlive.count', count, 1, MAX_KEEPALIVE_COUNT);
  setIntOption(context, record.socket, SOL_SOCKET, SO_KEEPALIVE, enabled ? 1 : 0, 'setsockopt(SO_KEEPALIVE)');
  if (!enabled) return;
  try {
    setTcpOption(context, record, TCP_KEEPIDLE, idleSeconds, 'TCP_KEEPIDLE');
    setTcpOption(context, record, TCP_KEEPINTVL, intervalSeconds, 'TCP_KEEPINTVL');
  } catch (error) {
    if (!(error instanceof Win32Error) || error.systemErrorCode !== WSAENOPROTOOPT) throw error;
    setKeepAliveTimes(
      context,
      record,
      idleSeconds ?? DEFAULT_IDLE_SECONDS,
      intervalSeconds ?? DEFAULT_INTERVAL_SECONDS,
    );
  }
  setTcpOption(context, record, TCP_KEEPCNT, count, 'TCP_KEEPCNT');
}

function setTcpOption(
  context: Context,
  record: SocketRecord,
  name: number,
  value: number | undefined,
  word: string,
): void {
  if (value !== undefined) setIntOption(context, record.socket, IPPROTO_TCP, name, value, `setsockopt(${word})`);
}

/** struct tcp_keepalive { ULONG onoff, keepalivetime, keepaliveinterval }, in milliseconds (mstcpip.h). */
function setKeepAliveTimes(
  { platform, counters, scratch }: Context,
  record: SocketRecord,
  idle: number,
  interval: number,
): void {
  const outputAt = 16;
  scratch.view.setUint32(0, 1, true);
  scratch.view.setUint32(4, idle * 1000, true);
  scratch.view.setUint32(8, interval * 1000, true);
  counters.syscalls.WSAIoctl++;
  const { address } = scratch;
  const result = platform.ws2_32.WSAIoctl(
    record.socket,
    SIO_KEEPALIVE_VALS,
    address,
    12,
    0,
    0,
    address + outputAt,
    0,
    0,
  );
  checkWinsock(result, platform.ws2_32, 'WSAIoctl(SIO_KEEPALIVE_VALS)');
}

function badValue(name: string, value: unknown, wanted: string): TypeError {
  return argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot set ${name} to ${shown(value)}: it must be ${wanted}`,
  );
}
