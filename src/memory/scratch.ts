/**
 * A page of native memory for arguments that a call reads or writes before it returns: socket addresses, option values,
 * GUIDs. Every call starts at its beginning, so nothing may be kept in it from one call to the next.
 */
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';
import { AF_INET, AF_INET6 } from '../../ffi/constants.ts';
import { sockaddr_in, sockaddr_in6 } from '../../ffi/layouts.ts';
import { formatIpAddress, type IpAddress } from '../pal/ip-address.ts';
import type { Endpoint } from '../pal/handles.ts';
import { TWO_32 } from '../util/bytes.ts';

const SCRATCH_SIZE = 4096;

export class Scratch {
  readonly address: number;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly #memory: NativeMemory;
  readonly #region: NativeRegion;

  /** Throws RangeError when the system has no memory. */
  constructor(memory: NativeMemory) {
    const region = memory.allocate(SCRATCH_SIZE);
    if (region === null) throw new RangeError(`Cannot take ${SCRATCH_SIZE} bytes of native memory: out of memory`);
    this.#memory = memory;
    this.#region = region;
    this.address = region.address;
    this.view = new DataView(region.buffer);
    this.bytes = new Uint8Array(region.buffer);
  }

  /** Reads a pointer that a call wrote. */
  pointerAt(offset: number): number {
    return this.view.getUint32(offset, true) + this.view.getUint32(offset + 4, true) * TWO_32;
  }

  setPointer(offset: number, value: number): void {
    this.view.setUint32(offset, value % TWO_32, true);
    this.view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
  }

  /** Writes a sockaddr_in or sockaddr_in6 at `offset`. Returns its length in bytes. */
  setSockaddr(offset: number, address: IpAddress, port: number): number {
    return writeSockaddr(this.bytes.subarray(offset), address, port);
  }

  dispose(): void {
    this.#memory.release(this.#region.address);
  }
}

/** Writes a sockaddr_in or sockaddr_in6 to the start of `bytes`. Returns its length in bytes. */
export function writeSockaddr(bytes: Uint8Array, address: IpAddress, port: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (address.family === 4) {
    bytes.fill(0, 0, sockaddr_in.size);
    view.setUint16(sockaddr_in.sin_family, AF_INET, true);
    view.setUint16(sockaddr_in.sin_port, port, false);
    bytes.set(address.bytes, sockaddr_in.sin_addr);
    return sockaddr_in.size;
  }
  bytes.fill(0, 0, sockaddr_in6.size);
  view.setUint16(sockaddr_in6.sin6_family, AF_INET6, true);
  view.setUint16(sockaddr_in6.sin6_port, port, false);
  bytes.set(address.bytes, sockaddr_in6.sin6_addr);
  view.setUint32(sockaddr_in6.sin6_scope_id, address.scopeId, true);
  return sockaddr_in6.size;
}

/** Reads a sockaddr_in or sockaddr_in6; null for any other family. */
export function readSockaddr(bytes: Uint8Array): Endpoint | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = view.getUint16(0, true);
  if (family === AF_INET) {
    const address = bytes.subarray(sockaddr_in.sin_addr, sockaddr_in.sin_addr + 4);
    return {
      address: formatIpAddress({ family: 4, bytes: address, scopeId: 0 }),
      port: view.getUint16(sockaddr_in.sin_port, false),
      family: 4,
    };
  }
  if (family !== AF_INET6) return null;
  const address = bytes.subarray(sockaddr_in6.sin6_addr, sockaddr_in6.sin6_addr + 16);
  const scopeId = view.getUint32(sockaddr_in6.sin6_scope_id, true);
  return {
    address: formatIpAddress({ family: 6, bytes: address, scopeId }),
    port: view.getUint16(sockaddr_in6.sin6_port, false),
    family: 6,
  };
}
