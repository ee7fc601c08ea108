/** Multicast groups: joinGroup, leaveGroup, and the interface that MulticastInterface names. */
import { checkWinsock } from '../../ffi/check.ts';
import {
  IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_DROP_SOURCE_MEMBERSHIP,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DROP_MEMBERSHIP,
} from '../../ffi/constants.ts';
import { ip_mreq, ip_mreq_source, ipv6_mreq } from '../../ffi/layouts.ts';
import type { GroupOptions } from '../pal/datagram.ts';
import { formatIpAddress, isUnspecified, parseIpAddress, type IpAddress } from '../pal/ip-address.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { argumentError, NetworkError } from '../pal/network-error.ts';
import { shown } from '../util/shown.ts';
import type { DatagramSocket } from './datagram-socket.ts';
import type { Context } from '../context/context.ts';
import { requireInteger } from '../util/validate.ts';

/** Largest index that Windows takes in the place of an IPv4 address: 0.x.x.x. */
const MAX_IPV4_INDEX = 0xffffff;
const MAX_IPV6_INDEX = 0xffffffff;

/** Joins or leaves. Throws Win32Error when the system refuses, NetworkError or TypeError for addresses that do not fit. */
export function changeMembership(
  context: Context,
  socket: DatagramSocket,
  join: boolean,
  group: IpAddress,
  options: GroupOptions,
): void {
  requireGroup(socket, group);
  const { family } = socket;
  const source = options.source === undefined ? null : sourceOf(socket, options.source);
  const { scratch } = context;
  if (family === 6) {
    const index = interfaceOf(6, 'interface', options.interface ?? group.scopeId);
    scratch.bytes.set(group.bytes, ipv6_mreq.ipv6mr_multiaddr);
    scratch.view.setUint32(ipv6_mreq.ipv6mr_interface, index, true);
    const name = join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP;
    setGroup(
      context,
      socket,
      IPPROTO_IPV6,
      name,
      ipv6_mreq.size,
      join ? 'IPV6_ADD_MEMBERSHIP' : 'IPV6_DROP_MEMBERSHIP',
    );
    return;
  }
  const on = interfaceOf(4, 'interface', options.interface ?? 0);
  if (source === null) {
    scratch.bytes.set(group.bytes, ip_mreq.imr_multiaddr);
    scratch.view.setUint32(ip_mreq.imr_interface, on, false);
    const name = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    setGroup(context, socket, IPPROTO_IP, name, ip_mreq.size, join ? 'IP_ADD_MEMBERSHIP' : 'IP_DROP_MEMBERSHIP');
    return;
  }
  scratch.bytes.set(group.bytes, ip_mreq_source.imr_multiaddr);
  scratch.bytes.set(source.bytes, ip_mreq_source.imr_sourceaddr);
  scratch.view.setUint32(ip_mreq_source.imr_interface, on, false);
  const name = join ? IP_ADD_SOURCE_MEMBERSHIP : IP_DROP_SOURCE_MEMBERSHIP;
  const word = join ? 'IP_ADD_SOURCE_MEMBERSHIP' : 'IP_DROP_SOURCE_MEMBERSHIP';
  setGroup(context, socket, IPPROTO_IP, name, ip_mreq_source.size, word);
}

/**
 * The number that stands for an interface in system calls: an index (IPv6), or an address or index (IPv4), the latter with
 * its first byte uppermost.
 */
export function interfaceOf(family: 4 | 6, name: string, value: unknown): number {
  if (typeof value === 'number') {
    requireInteger(name, value, 0, family === 4 ? MAX_IPV4_INDEX : MAX_IPV6_INDEX);
    return value;
  }
  const address = typeof value === 'string' ? parseIpAddress(value) : null;
  // An IPv6 address alone names no interface: only its zone does, and '::' the system's choice.
  if (address?.family !== family || (family === 6 && address.scopeId === 0 && !isUnspecified(address))) {
    throw argumentError(
      TypeError,
      'ERR_INVALID_ARG_VALUE',
      family === 4
        ? `Cannot use ${name} ${shown(value)}: on an IPv4 socket it must be an interface's IPv4 address or its index`
        : `Cannot use ${name} ${shown(value)}: on an IPv6 socket it must be an interface's index, or '::%' and the index`,
    );
  }
  if (family === 6) return address.scopeId;
  return new DataView(address.bytes.buffer, address.bytes.byteOffset).getUint32(0, false);
}

/** True for 224.0.0.0/4 and ff00::/8. */
export function isMulticast({ family, bytes }: IpAddress): boolean {
  const first = bytes[0] ?? 0;
  return family === 4 ? first >>> 4 === 0xe : first === 0xff;
}

function requireGroup({ family }: DatagramSocket, group: IpAddress): void {
  if (group.family === family && isMulticast(group)) return;
  const wanted = family === 4 ? 'from 224.0.0.0 to 239.255.255.255' : 'that begins with ff';
  throw invalidAddress(
    `Cannot use group ${formatIpAddress(group)}: on an IPv${family} socket it must be an address ${wanted}`,
  );
}

function sourceOf({ family }: DatagramSocket, text: string): IpAddress {
  if (family === 6) {
    throw new NetworkError('Cannot join an IPv6 group for one source: only IPv4 groups can. Leave the source out', {
      kind: NetworkErrorCode.InvalidAddress,
      code: 'ERR_NOT_SUPPORTED',
    });
  }
  const source = typeof (text as unknown) === 'string' ? parseIpAddress(text) : null;
  if (source?.family === 4) return source;
  throw invalidAddress(`Cannot use source ${shown(text)}: it must be an IPv4 address, as text`);
}

function setGroup(
  { platform, counters, scratch }: Context,
  socket: DatagramSocket,
  level: number,
  name: number,
  length: number,
  word: string,
): void {
  counters.syscalls.setsockopt++;
  const result = platform.ws2_32.setsockopt(socket.socket, level, name, scratch.address, length);
  checkWinsock(result, platform.ws2_32, `setsockopt(${word})`);
}

function invalidAddress(message: string): NetworkError {
  return new NetworkError(message, { kind: NetworkErrorCode.InvalidAddress, code: 'ERR_INVALID_IP_ADDRESS' });
}
