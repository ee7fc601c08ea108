/** PROXY headers for tests: made by hand from the specification, and not by what is tested. */
import { Buffer } from 'node:buffer';

export const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

/** The line of a client at 192.0.2.7, port 56324. */
export const LINE = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n';

/** A field of version 2. */
export function tlv(type: number, value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** A header of version 2, whose length fits what follows. */
export function binary(command: number, family: number, ...parts: readonly Uint8Array[]): Buffer {
  const rest = Buffer.concat(parts);
  const head = Buffer.from([0x20 | command, family, rest.length >> 8, rest.length & 0xff]);
  return Buffer.concat([SIGNATURE, head, rest]);
}

/** Addresses and ports of IPv4: the client at 192.0.2.7, port 56324. */
export const ADDRESSES_4 = Buffer.from([192, 0, 2, 7, 198, 51, 100, 1, 56324 >> 8, 56324 & 0xff, 443 >> 8, 443 & 0xff]);

/** The same of IPv6: 2001:db8::7 to 2001:db8::1. */
export const ADDRESSES_6 = Buffer.from(
  '20010db8000000000000000000000007' + '20010db8000000000000000000000001' + 'dc0401bb',
  'hex',
);

export const BINARY = binary(1, 0x11, ADDRESSES_4);
export const LOCAL = binary(0, 0x00);
