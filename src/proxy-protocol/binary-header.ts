/**
 * Version 2 of the header:
 *
 *    0  signature, 12 bytes
 *   12  version (upper half, 2) and command (lower half: 0 LOCAL, 1 PROXY)
 *   13  address family (upper half: 0 unspecified, 1 IPv4, 2 IPv6, 3 Unix) and transport (lower half: 0 unspecified, 1 stream, 2 datagrams)
 *   14  length of what follows, 2 bytes
 *   16  addresses, ports, and then fields of type (1 byte), length (2 bytes) and value
 */
import { Buffer } from 'node:buffer';
import { formatIpAddress } from '../pal/ip-address.ts';
import type { ProxyTlv } from '../pal/proxy-protocol.ts';
import { crc32c } from './crc32c.ts';
import { MalformedHeader } from './errors.ts';
import type { HeaderFacts } from './header-facts.ts';

/**
 * Bytes of the longest header that is taken. The length field allows 65551; addresses and everyday fields take some hundred, and a client's
 * certificate (PP2_SUBTYPE_SSL_CLIENT_CERT) one or two thousand. nginx has the same limit.
 */
export const LONGEST_HEADER = 4096;

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Bytes up to the addresses. */
const FIXED = 16;
const TLV_HEAD = 3;
const CRC32C = 0x03;
const UNIQUE_ID = 0x05;
/** Bytes that the specification allows a unique id. */
const LONGEST_UNIQUE_ID = 128;

/** By the upper half of byte 13: bytes of one address, and of both addresses with their ports. */
const FAMILIES = [
  { address: 0, block: 0 },
  { address: 4, block: 12 },
  { address: 16, block: 36 },
  { address: 108, block: 216 },
] as const;
const UNIX = 3;

/**
 * How many bytes follow these in the header: 0 when it is complete.
 * @throws MalformedHeader as soon as no header can begin so
 */
export function binaryBytesWanted(bytes: Buffer): number {
  const start = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.compare(SIGNATURE, 0, start, 0, start) !== 0) {
    throw new MalformedHeader('the signature of version 2 is damaged');
  }
  const versionAndCommand = bytes[12];
  if (versionAndCommand !== undefined) requireCommand(versionAndCommand);
  const family = bytes[13];
  if (family !== undefined) requireFamily(versionAndCommand === 0x20, family);
  if (bytes.length < FIXED) return FIXED - bytes.length;
  const total = FIXED + bytes.readUInt16BE(14);
  if (total > LONGEST_HEADER) {
    throw new MalformedHeader(`it has ${total} bytes, which is more than the ${LONGEST_HEADER} that are taken`);
  }
  return total - bytes.length;
}

function requireCommand(versionAndCommand: number): void {
  if (versionAndCommand >>> 4 !== 2) throw new MalformedHeader('its version must be 2');
  if ((versionAndCommand & 0xf) > 1) throw new MalformedHeader('its command must be LOCAL or PROXY');
}

function requireFamily(isLocal: boolean, family: number): void {
  if (isLocal) return; // what it says is ignored
  if (family >>> 4 >= FAMILIES.length) throw new MalformedHeader('its address family does not exist');
  if ((family & 0xf) > 2) throw new MalformedHeader('its transport does not exist');
}

/**
 * @param header all of it; the fields share its memory
 * @throws MalformedHeader
 */
export function parseBinary(header: Buffer): HeaderFacts {
  const isLocal = (header[12] ?? 0) === 0x20;
  const family = (header[13] ?? 0) >>> 4;
  const transport = (header[13] ?? 0) & 0xf;
  const facts = { version: 2, source: null, destination: null, tlvs: [] } as const;
  if (isLocal) return { ...facts, command: 'LOCAL', transport: 'unknown' };
  const { address, block } = FAMILIES[family] ?? FAMILIES[0];
  if (block === 0 || transport === 0) return { ...facts, command: 'PROXY', transport: 'unknown' };
  if (header.length < FIXED + block) {
    throw new MalformedHeader(`its length leaves no room for two addresses of its family, which take ${block} bytes`);
  }
  const tlvs = parseTlvs(header, FIXED + block);
  if (family === UNIX) return { ...facts, command: 'PROXY', transport: 'unix', tlvs };
  return {
    ...facts,
    command: 'PROXY',
    transport: transport === 1 ? 'tcp' : 'udp',
    source: endpoint(header, address, 0),
    destination: endpoint(header, address, 1),
    tlvs,
  };
}

/** @param which 0 for the source, 1 for the destination */
function endpoint(header: Buffer, size: 4 | 16 | 0 | 108, which: 0 | 1): HeaderFacts['source'] {
  const family = size === 4 ? 4 : 6;
  const start = FIXED + which * size;
  const address = formatIpAddress({ family, bytes: header.subarray(start, start + size), scopeId: 0 });
  const port = header.readUInt16BE(FIXED + 2 * size + 2 * which);
  return Object.freeze({ address, port, family });
}

function parseTlvs(header: Buffer, start: number): ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  let checked = false;
  for (let at = start; at < header.length;) {
    const valueAt = at + TLV_HEAD;
    if (valueAt > header.length) throw new MalformedHeader('its last field has no room for a type and a length');
    const type = header[at] ?? 0;
    const end = valueAt + header.readUInt16BE(at + 1);
    if (end > header.length) throw new MalformedHeader(`its field of type ${type} reaches beyond its end`);
    const value = header.subarray(valueAt, end);
    if (type === CRC32C) {
      if (checked) throw new MalformedHeader('it has two checksums');
      checked = true;
      requireChecksum(header, valueAt, value);
    }
    if (type === UNIQUE_ID && value.length > LONGEST_UNIQUE_ID) {
      throw new MalformedHeader(`its unique id has more than ${LONGEST_UNIQUE_ID} bytes`);
    }
    tlvs.push(Object.freeze({ type, value }));
    at = end;
  }
  return tlvs;
}

/** The checksum is that of the header with zeros in the place of the checksum. */
function requireChecksum(header: Buffer, at: number, value: Buffer): void {
  if (value.length !== 4) throw new MalformedHeader('its checksum must have 4 bytes');
  const zeroed = Buffer.from(header).fill(0, at, at + 4);
  if (crc32c(zeroed) !== value.readUInt32BE(0)) throw new MalformedHeader('its checksum (CRC32c) is wrong');
}
