/**
 * IP addresses: text to bytes and back. Whether a text is an address is Node's decision (node:net), so that what works
 * with node:net works here; only the bytes, which Node does not give out, are made by hand.
 */
import { isIP, SocketAddress } from 'node:net';

/** A parsed address. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
  /** IPv6 scope (the interface index on Windows), 0 for none. */
  readonly scopeId: number;
}

/** Largest interface index that fits sockaddr_in6.sin6_scope_id. */
const MAX_SCOPE_ID = 0xffffffff;

/** Parses dotted IPv4 or IPv6 with an optional numeric scope (`fe80::1%4`). Returns null for anything else. */
export function parseIpAddress(text: string): IpAddress | null {
  const family = isIP(text);
  if (family === 4) return { family: 4, bytes: parseV4(text), scopeId: 0 };
  if (family !== 6) return null;
  const percent = text.indexOf('%');
  if (percent === -1) return { family: 6, bytes: parseV6(text), scopeId: 0 };
  // Windows names interfaces by index; a name such as eth0 means nothing to it.
  const scope = text.slice(percent + 1);
  if (!/^\d{1,10}$/.test(scope) || Number(scope) > MAX_SCOPE_ID) return null;
  return { family: 6, bytes: parseV6(text.slice(0, percent)), scopeId: Number(scope) };
}

/** Why a text is no address, as the end of a sentence that says so; empty when there is nothing to add. */
export function whyNoAddress(text: string): string {
  const zone = isIP(text) === 6 ? text.slice(text.indexOf('%') + 1) : '';
  if (zone === '') return '';
  return (
    `. Its zone '${zone}' must be the number of an interface, 0 … ${MAX_SCOPE_ID}: Windows names interfaces by number, ` +
    'which os.networkInterfaces() calls scopeid'
  );
}

/** Formats bytes as text: dotted IPv4, or IPv6 as in RFC 5952 with `%scope` when the scope is not 0. */
export function formatIpAddress({ family, bytes, scopeId }: IpAddress): string {
  if (family === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let index = 0; index < 16; index += 2) {
    groups.push((((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)).toString(16));
  }
  const canonical = new SocketAddress({ family: 'ipv6', address: groups.join(':') }).address;
  return scopeId === 0 ? canonical : `${canonical}%${scopeId}`;
}

/** True for 0.0.0.0 and :: (any address). */
export function isUnspecified({ bytes }: IpAddress): boolean {
  return bytes.every((byte) => byte === 0);
}

/** True for 127.0.0.0/8, also as IPv4-mapped addresses, and ::1. */
export function isLoopback(address: IpAddress): boolean {
  const { family, bytes } = address;
  if (family === 4) return bytes[0] === 127;
  if (isMappedIPv4(address)) return bytes[12] === 127;
  return bytes[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0);
}

/** True for ::ffff:a.b.c.d, an IPv4 address on an IPv6 socket. */
export function isMappedIPv4({ family, bytes }: IpAddress): boolean {
  if (family === 4) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
}

/** 127.0.0.1 or ::1. */
export function loopback(family: 4 | 6): IpAddress {
  const bytes = family === 4 ? Uint8Array.of(127, 0, 0, 1) : new Uint8Array(16);
  if (family === 6) bytes[15] = 1;
  return { family, bytes, scopeId: 0 };
}

/** 0.0.0.0 or ::. */
export function unspecified(family: 4 | 6): IpAddress {
  return { family, bytes: new Uint8Array(family === 4 ? 4 : 16), scopeId: 0 };
}

function parseV4(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number);
}

function parseV6(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = '', tail] = text.split('::');
  const front = groupBytes(head);
  bytes.set(front, 0);
  if (tail !== undefined) {
    const back = groupBytes(tail);
    bytes.set(back, 16 - back.length);
  }
  return bytes;
}

/** Bytes of colon-separated groups, of which the last may be dotted IPv4 (`::ffff:1.2.3.4`). */
function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return [...parseV4(group)];
    const value = parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}
