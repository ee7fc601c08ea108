/** Socket addresses of the simulated network: read from and written to sockaddr_in and sockaddr_in6. */
import { AF_INET, AF_INET6 } from '../../../ffi/constants.ts';
import { sockaddr_in, sockaddr_in6 } from '../../../ffi/layouts.ts';
import { formatIpAddress } from '../../pal/ip-address.ts';
import type { Region } from '../memory/memory.ts';

export class SimulatedAddress {
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  readonly port: number;
  readonly scopeId: number;
  /** The address without its port, as a key for comparison. */
  readonly host: string;

  constructor(family: 4 | 6, bytes: Uint8Array, port: number, scopeId = 0) {
    this.family = family;
    this.bytes = bytes;
    this.port = port;
    this.scopeId = scopeId;
    this.host = bytes.join('.');
  }

  withPort(port: number): SimulatedAddress {
    return new SimulatedAddress(this.family, this.bytes, port, this.scopeId);
  }

  get isAny(): boolean {
    return this.bytes.every((byte) => byte === 0);
  }

  get isLoopback(): boolean {
    if (this.family === 4) return this.bytes[0] === 127;
    const mapped = this.unmapped;
    if (mapped !== null) return mapped.isLoopback;
    return this.bytes[15] === 1 && this.bytes.subarray(0, 15).every((byte) => byte === 0);
  }

  /** 224.0.0.0/4 or ff00::/8. */
  get isMulticast(): boolean {
    const first = this.bytes[0] ?? 0;
    return this.family === 4 ? first >>> 4 === 0xe : first === 0xff;
  }

  /** 255.255.255.255, or the broadcast address of the loopback network. */
  get isBroadcast(): boolean {
    const { bytes } = this;
    const host = bytes[1] === 255 && bytes[2] === 255 && bytes[3] === 255;
    return this.family === 4 && host && (bytes[0] === 255 || bytes[0] === 127);
  }

  /** The IPv4 address in ::ffff:a.b.c.d, or null. */
  get unmapped(): SimulatedAddress | null {
    if (this.family === 4) return null;
    const { bytes } = this;
    if (bytes[10] !== 255 || bytes[11] !== 255 || !bytes.subarray(0, 10).every((byte) => byte === 0)) return null;
    return new SimulatedAddress(4, bytes.slice(12), this.port);
  }

  /** ::ffff:a.b.c.d of an IPv4 address. */
  get mapped(): SimulatedAddress {
    if (this.family === 6) return this;
    const bytes = new Uint8Array(16);
    bytes.fill(255, 10, 12);
    bytes.set(this.bytes, 12);
    return new SimulatedAddress(6, bytes, this.port);
  }

  toString(): string {
    const text = formatIpAddress(this);
    return this.family === 4 ? `${text}:${this.port}` : `[${text}]:${this.port}`;
  }
}

/** Any address of a family. */
export function anyAddress(family: 4 | 6, port = 0): SimulatedAddress {
  return new SimulatedAddress(family, new Uint8Array(family === 4 ? 4 : 16), port);
}

/** 127.0.0.1 or ::1. */
export function loopbackAddress(family: 4 | 6, port = 0): SimulatedAddress {
  const bytes = family === 4 ? Uint8Array.of(127, 0, 0, 1) : new Uint8Array(16);
  if (family === 6) bytes[15] = 1;
  return new SimulatedAddress(family, bytes, port);
}

/** Bytes that a family's sockaddr takes. */
export function sockaddrSize(family: 4 | 6): number {
  return family === 4 ? sockaddr_in.size : sockaddr_in6.size;
}

/** Reads a sockaddr; null when its family or length is wrong. */
export function readSockaddr(region: Region, address: number, length: number): SimulatedAddress | null {
  const start = address - region.address;
  const view = new DataView(region.buffer, start, length);
  const family = length < 2 ? 0 : view.getUint16(0, true);
  if (family === AF_INET && length >= sockaddr_in.size) {
    const bytes = region.bytes.slice(start + sockaddr_in.sin_addr, start + sockaddr_in.sin_addr + 4);
    return new SimulatedAddress(4, bytes, view.getUint16(sockaddr_in.sin_port, false));
  }
  if (family === AF_INET6 && length >= sockaddr_in6.size) {
    const bytes = region.bytes.slice(start + sockaddr_in6.sin6_addr, start + sockaddr_in6.sin6_addr + 16);
    const port = view.getUint16(sockaddr_in6.sin6_port, false);
    return new SimulatedAddress(6, bytes, port, view.getUint32(sockaddr_in6.sin6_scope_id, true));
  }
  return null;
}

/** Writes a sockaddr. Returns its length. */
export function writeSockaddr(region: Region, address: number, value: SimulatedAddress): number {
  const start = address - region.address;
  const size = sockaddrSize(value.family);
  region.bytes.fill(0, start, start + size);
  const view = new DataView(region.buffer, start, size);
  if (value.family === 4) {
    view.setUint16(sockaddr_in.sin_family, AF_INET, true);
    view.setUint16(sockaddr_in.sin_port, value.port, false);
    region.bytes.set(value.bytes, start + sockaddr_in.sin_addr);
  } else {
    view.setUint16(sockaddr_in6.sin6_family, AF_INET6, true);
    view.setUint16(sockaddr_in6.sin6_port, value.port, false);
    region.bytes.set(value.bytes, start + sockaddr_in6.sin6_addr);
    view.setUint32(sockaddr_in6.sin6_scope_id, value.scopeId, true);
  }
  return size;
}
