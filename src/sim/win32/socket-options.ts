/** setsockopt and getsockopt of simulated sockets. Both return a Winsock error code, 0 for success. */
import {
  IP_TTL,
  IP_MULTICAST_IF,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  SO_ACCEPTCONN,
  SO_ERROR,
  SO_EXCLUSIVEADDRUSE,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_PROTOCOL_INFOW,
  SO_RCVBUF,
  SO_REUSE_UNICASTPORT,
  SO_REUSEADDR,
  SO_SNDBUF,
  SO_UPDATE_ACCEPT_CONTEXT,
  SO_UPDATE_CONNECT_CONTEXT,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  XP1_IFS_HANDLES,
} from '../../../ffi/constants.ts';
import { LINGER, WSAPROTOCOL_INFOW } from '../../../ffi/layouts.ts';
import { WSAEFAULT, WSAEINVAL, WSAENOPROTOOPT, WSAENOTCONN } from '../../../ffi/wsa-errors.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { SimulatedSocket } from '../kernel/socket.ts';
import { datagramDefault, setDatagramOption, LOOPBACK_INDEX } from './datagram-options.ts';
import { writeProtocol } from './duplicates.ts';

const KEEP_ALIVE_TIMES: readonly number[] = [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT];
/** XP1_GUARANTEED_DELIVERY and XP1_GUARANTEED_ORDER: what a TCP provider always has. */
const OTHER_SERVICE_FLAGS = 0x6;
/** Windows' default; Linux has 64. */
const DEFAULT_TTL = 128;
/** Bytes that SO_SNDBUF or SO_RCVBUF 0 stands for: the system keeps nothing then, which is not that nothing passes. */
const LEAST_BUFFER = 2048;
/** Levels and names in one number. */
const keyOf = (level: number, name: number): number => level * 65536 + (name & 0xffff);

export function setOption(
  platform: SimulatedProcess,
  socket: SimulatedSocket,
  level: number,
  name: number,
  value: number,
  length: number,
): number {
  if (level === SOL_SOCKET && name === SO_UPDATE_CONNECT_CONTEXT) return updateContext(socket);
  const region = platform.memory.at(value, length, 'setsockopt: optval');
  if (level === SOL_SOCKET && name === SO_UPDATE_ACCEPT_CONTEXT) {
    if (length !== 8) return WSAEFAULT;
    const listener = platform.handle(region.getPointer(value));
    if (!(listener instanceof SimulatedSocket) || listener.listener === null) return WSAEINVAL;
    return updateContext(socket);
  }
  if (length < 4) return WSAEFAULT;
  const number = region.getUint32(value);
  const known = setDatagramOption(socket, level, name, { region, address: value, length });
  if (known !== undefined) {
    if (known === 0) socket.options.set(keyOf(level, name), readBack(platform, level, name, number));
    return known;
  }
  if (isTimeToLive(socket, level, name)) {
    if (number < 1 || number > 255) return WSAEINVAL;
  } else if (level === SOL_SOCKET) {
    if (name === SO_LINGER) {
      if (length < LINGER.size) return WSAEFAULT;
      socket.lingerZero = number === 1; // l_onoff 1, l_linger 0
    } else if (name === SO_REUSEADDR) {
      if (socket.local !== null && platform.profile.reuseIsBeforeBind) return WSAEINVAL;
      if (number !== 0 && socket.exclusive) return WSAEINVAL;
      socket.reuses = number !== 0;
    } else if (name === SO_REUSE_UNICASTPORT) {
      if (!platform.profile.knowsPortSharing) return WSAENOPROTOOPT;
      if (socket.local !== null) return WSAEINVAL;
      socket.sharesPort = number !== 0;
    } else if (name === SO_EXCLUSIVEADDRUSE) {
      if (socket.local !== null || (number !== 0 && socket.reuses)) return WSAEINVAL;
      socket.exclusive = number !== 0;
    } else if (name === SO_SNDBUF) {
      socket.sendBufferSize = number === 0 ? LEAST_BUFFER : number;
      platform.applyBufferSizes(socket);
    } else if (name === SO_RCVBUF) {
      socket.receiveBufferSize = number === 0 ? LEAST_BUFFER : number;
      platform.applyBufferSizes(socket);
    } else if (name !== SO_KEEPALIVE) return WSAENOPROTOOPT;
  } else if (level === IPPROTO_TCP && socket.udp === null) {
    if (KEEP_ALIVE_TIMES.includes(name) && !platform.profile.knowsKeepAliveTimes) return WSAENOPROTOOPT;
    if (name !== TCP_NODELAY && !KEEP_ALIVE_TIMES.includes(name)) return WSAENOPROTOOPT;
  } else if (level === IPPROTO_IPV6 && name === IPV6_V6ONLY) {
    if (socket.family !== 6) return WSAENOPROTOOPT;
    if (socket.local !== null) return WSAEINVAL;
    socket.v6Only = number !== 0;
  } else return WSAENOPROTOOPT;
  socket.options.set(keyOf(level, name), number);
  return 0;
}

export function getOption(
  platform: SimulatedProcess,
  socket: SimulatedSocket,
  level: number,
  name: number,
  value: number,
  lengthAddress: number,
): number {
  const lengthRegion = platform.memory.at(lengthAddress, 4, 'getsockopt: optlen');
  const length = lengthRegion.getUint32(lengthAddress);
  const region = platform.memory.at(value, length, 'getsockopt: optval');
  if (level === SOL_SOCKET && name === SO_PROTOCOL_INFOW) {
    if (length < WSAPROTOCOL_INFOW.size) return WSAEFAULT;
    writeProtocol(region, value, socket, OTHER_SERVICE_FLAGS | (platform.layeredProvider ? 0 : XP1_IFS_HANDLES));
    return 0;
  }
  if (length < 4) return WSAEFAULT;
  const number = readOption(platform, socket, level, name);
  if (number === null) return WSAENOPROTOOPT;
  const isFlag = level === IPPROTO_TCP || name === SO_KEEPALIVE;
  if (isFlag && platform.profile.name === 'wine') {
    // Wine writes one byte of a flag and says so.
    region.bytes[value - region.address] = number;
    lengthRegion.setUint32(lengthAddress, 1);
    return 0;
  }
  region.setUint32(value, number);
  lengthRegion.setUint32(lengthAddress, 4);
  return 0;
}

/** What such an option reads as once it is set. Numbers as the caller's memory has them: an address's first byte is the lowest. */
function readBack({ profile }: SimulatedProcess, level: number, name: number, number: number): number {
  const isAddress = level === IPPROTO_IP && name === IP_MULTICAST_IF && (number & 0xff) !== 0;
  return isAddress && profile.multicastInterfaceReadsAsIndex ? LOOPBACK_INDEX * 2 ** 24 : number;
}

function readOption(platform: SimulatedProcess, socket: SimulatedSocket, level: number, name: number): number | null {
  const known = socket.options.get(keyOf(level, name));
  if (known !== undefined) return known;
  const datagram = datagramDefault(socket, level, name);
  if (datagram !== undefined) return datagram;
  if (level === SOL_SOCKET) {
    if (name === SO_SNDBUF) return platform.sendBufferSize;
    if (name === SO_RCVBUF) return platform.receiveBufferSize;
    if (name === SO_ACCEPTCONN) return Number(socket.listener !== null);
    const zero = [SO_LINGER, SO_REUSEADDR, SO_EXCLUSIVEADDRUSE, SO_KEEPALIVE, SO_ERROR].includes(name);
    return zero ? 0 : null;
  }
  if (isTimeToLive(socket, level, name)) return DEFAULT_TTL;
  if (level === IPPROTO_TCP && name === TCP_NODELAY && socket.udp === null) return 0;
  return level === IPPROTO_IPV6 && name === IPV6_V6ONLY ? Number(socket.v6Only) : null;
}

function isTimeToLive({ family }: SimulatedSocket, level: number, name: number): boolean {
  return family === 4 ? level === IPPROTO_IP && name === IP_TTL : level === IPPROTO_IPV6 && name === IPV6_UNICAST_HOPS;
}

/** Without it shutdown, getpeername and getsockname do not know the connection. */
function updateContext(socket: SimulatedSocket): number {
  if (socket.end === null) return WSAENOTCONN;
  // A connection that is gone already: Windows says so here.
  if (socket.end.broken !== 0 && socket.platform.network.maybe()) return WSAENOTCONN;
  socket.contextMissing = false;
  return 0;
}
