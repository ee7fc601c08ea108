/** Options that only simulated UDP sockets have: broadcast, and everything about multicast. */
import {
  IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_DROP_SOURCE_MEMBERSHIP,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DROP_MEMBERSHIP,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  SO_BROADCAST,
  SOL_SOCKET,
} from '../../../ffi/constants.ts';
import { ip_mreq, ip_mreq_source, ipv6_mreq } from '../../../ffi/layouts.ts';
import { WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEFAULT, WSAEINVAL } from '../../../ffi/wsa-errors.ts';
import type { Region } from '../memory/memory.ts';
import { SimulatedAddress } from '../kernel/sockaddr.ts';
import type { SimulatedSocket } from '../kernel/socket.ts';
import type { UdpEnd } from '../kernel/udp-end.ts';

/** Where a setsockopt has its value. */
interface Value {
  readonly region: Region;
  readonly address: number;
  readonly length: number;
}

/** Sets an option of a UDP socket. Returns 0 or the error code, or undefined when it is none that only they have. */
export function setDatagramOption(
  { udp, family }: SimulatedSocket,
  level: number,
  name: number,
  value: Value,
): number | undefined {
  if (udp === null) return undefined;
  const number = value.region.getUint32(value.address);
  if (level === SOL_SOCKET && name === SO_BROADCAST) {
    udp.broadcast = number !== 0;
    return 0;
  }
  if (family === 4 && level === IPPROTO_IP) return setIpv4(udp, name, number, value);
  return family === 6 && level === IPPROTO_IPV6 ? setIpv6(udp, name, number, value) : undefined;
}

/** What such an option is before it is set, or undefined for any other option. */
export function datagramDefault({ udp, family }: SimulatedSocket, level: number, name: number): number | undefined {
  if (udp === null) return undefined;
  if (level === SOL_SOCKET && name === SO_BROADCAST) return 0;
  if (family === 4 && level === IPPROTO_IP) {
    return { [IP_MULTICAST_IF]: 0, [IP_MULTICAST_TTL]: 1, [IP_MULTICAST_LOOP]: 1 }[name];
  }
  if (family === 6 && level === IPPROTO_IPV6) {
    return { [IPV6_MULTICAST_IF]: 0, [IPV6_MULTICAST_HOPS]: 1, [IPV6_MULTICAST_LOOP]: 1 }[name];
  }
  return undefined;
}

function setIpv4(udp: UdpEnd, name: number, number: number, value: Value): number | undefined {
  const { length } = value;
  const at = (offset: number): SimulatedAddress => addressAt(value, offset, 4);
  switch (name) {
    case IP_MULTICAST_TTL:
      return number > 255 ? WSAEINVAL : 0;
    case IP_MULTICAST_LOOP:
      udp.multicastLoop = number !== 0;
      return 0;
    case IP_MULTICAST_IF:
      return isInterface(at(0)) ? 0 : WSAEADDRNOTAVAIL;
    case IP_ADD_MEMBERSHIP:
    case IP_DROP_MEMBERSHIP: {
      if (length < ip_mreq.size) return WSAEFAULT;
      if (!isInterface(at(ip_mreq.imr_interface))) return WSAEADDRNOTAVAIL;
      return change(udp, name === IP_ADD_MEMBERSHIP, at(ip_mreq.imr_multiaddr), '');
    }
    case IP_ADD_SOURCE_MEMBERSHIP:
    case IP_DROP_SOURCE_MEMBERSHIP: {
      if (length < ip_mreq_source.size) return WSAEFAULT;
      if (!isInterface(at(ip_mreq_source.imr_interface))) return WSAEADDRNOTAVAIL;
      const source = ` ${at(ip_mreq_source.imr_sourceaddr).host}`;
      return change(udp, name === IP_ADD_SOURCE_MEMBERSHIP, at(ip_mreq_source.imr_multiaddr), source);
    }
    default:
      return undefined;
  }
}

function setIpv6(udp: UdpEnd, name: number, number: number, value: Value): number | undefined {
  switch (name) {
    case IPV6_MULTICAST_HOPS:
      return number > 255 ? WSAEINVAL : 0;
    case IPV6_MULTICAST_LOOP:
      udp.multicastLoop = number !== 0;
      return 0;
    case IPV6_MULTICAST_IF:
      return number <= LOOPBACK_INDEX ? 0 : WSAEADDRNOTAVAIL;
    case IPV6_ADD_MEMBERSHIP:
    case IPV6_DROP_MEMBERSHIP: {
      if (value.length < ipv6_mreq.size) return WSAEFAULT;
      const index = value.region.getUint32(value.address + ipv6_mreq.ipv6mr_interface);
      if (index > LOOPBACK_INDEX) return WSAEADDRNOTAVAIL;
      return change(udp, name === IPV6_ADD_MEMBERSHIP, addressAt(value, ipv6_mreq.ipv6mr_multiaddr, 6), '');
    }
    default:
      return undefined;
  }
}

/** The only interface there is. */
export const LOOPBACK_INDEX = 1;

function isInterface(address: SimulatedAddress): boolean {
  const index = address.bytes[0] === 0 && address.bytes[1] === 0 && address.bytes[2] === 0;
  return address.isLoopback || (index && (address.bytes[3] ?? 0) <= LOOPBACK_INDEX);
}

function change(udp: UdpEnd, join: boolean, group: SimulatedAddress, source: string): number {
  if (!group.isMulticast) return WSAEINVAL;
  const key = group.host + source;
  if (!join) return udp.groups.delete(key) ? 0 : WSAEADDRNOTAVAIL;
  if (udp.groups.has(key)) return WSAEADDRINUSE;
  udp.groups.add(key);
  return 0;
}

function addressAt({ region, address }: Value, offset: number, family: 4 | 6): SimulatedAddress {
  const start = address + offset - region.address;
  return new SimulatedAddress(family, region.bytes.slice(start, start + (family === 4 ? 4 : 16)), 0);
}
