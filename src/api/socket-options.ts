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
  /** Range of a number. */
  readonly least: number;
  readonly most: number;
}

const flag = (level: number, name: number, syscall: string): IntOption => {
  return { level, name, syscall, boolean: true, least: 0, most: 1 };
};
const number = (level: number, name: number, syscall: string, least = 0, most = 0x7fffffff): IntOption => {
  return { level, name, syscall, boolean: false, least, most };
};

const INT_OPTIONS = {
  NoDelay: flag(IPPROTO_TCP, TCP_NODELAY, 'TCP_NODELAY'),
  KeepAlive: flag(SOL_SOCKET, SO_KEEPALIVE, 'SO_KEEPALIVE'),
  SendBufferSize: number(SOL_SOCKET, SO_SNDBUF, 'SO_SNDBUF'),
  ReceiveBufferSize: number(SOL_SOCKET, SO_RCVBUF, 'SO_RCVBUF'),
  ReuseAddr: flag(SOL_SOCKET, SO_REUSEADDR, 'SO_REUSEADDR'),
  ExclusiveAddr: flag(SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 'SO_EXCLUSIVEADDRUSE'),
  Broadcast: flag(SOL_SOCKET, SO_BROADCAST, 'SO_BROADCAST'),
} satisfies Partial<Record<SocketOption, IntOption>>;

/** Options that are of level IPPROTO_IP or of level IPPROTO_IPV6, as the socket is. */
const FAMILY_OPTIONS = {
  TTL: {
    4: number(IPPROTO_IP, IP_TTL, 'IP_TTL', 1, 255),
    6: number(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 'IPV6_UNICAST_HOPS', 1, 255),
  },
  MulticastTTL: {
    4: number(IPPROTO_IP, IP_MULTICAST_TTL, 'IP_MULTICAST_TTL', 0, 255),
    6: number(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 'IPV6_MULTICAST_HOPS', 0, 255),
  },
  MulticastLoop: {
    4: flag(IPPROTO_IP, IP_MULTICAST_LOOP, 'IP_MULTICAST_LOOP'),
    6: flag(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 'IPV6_MULTICAST_LOOP'),
  },
} satisfies Partial<Record<SocketOption, Readonly<Record<4 | 6, IntOption>>>>;

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
  if (!known.boolean) requireInteger(option, value, known.least, known.most);
  else if (typeof value !== 'boolean') throw badValue(option, value, 'a boolean');
  setIntOption(context, record.socket, known.level, known.name, Number(value), `setsockopt(${known.syscall})`);
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

/** IP_MULTICAST_IF as it was set, first byte uppermost: Windows may answer with an index instead. Few sockets have one. */
const multicastInterfaces = new WeakMap<SocketRecord, number>();

/** IP_MULTICAST_IF takes an address (or 0.x.x.x for an index) in network byte order, IPV6_MULTICAST_IF an index. */
function setMulticastInterface(context: Context, record: SocketRecord, value: unknown): void {
  const { socket, family } = record;
  const number = interfaceOf(family, SocketOption.MulticastInterface, value);
  if (family === 6) {
    setIntOption(context, socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, number | 0, 'setsockopt(IPV6_MULTICAST_IF)');
    return;
  }
  setIntOption(context, socket, IPPROTO_IP, IP_MULTICAST_IF, swapBytes(number), 'setsockopt(IP_MULTICAST_IF)');
  multicastInterfaces.set(record, number);
}

function multicastInterface(context: Context, record: SocketRecord): string | number {
  const { socket, family } = record;
  if (family === 6) {
    return getIntOption(context, socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, 'getsockopt(IPV6_MULTICAST_IF)') >>> 0;
  }
  const read = getIntOption(context, socket, IPPROTO_IP, IP_MULTICAST_IF, 'getsockopt(IP_MULTICAST_IF)');
  const value = multicastInterfaces.get(record) ?? swapBytes(read);
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
