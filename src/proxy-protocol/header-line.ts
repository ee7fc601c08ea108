/**
 * Version 1 of the header: one line of text.
 *
 *   PROXY TCP4 192.168.0.1 192.168.0.11 56324 443␍␊
 *   PROXY UNKNOWN … anything …␍␊
 */
import { Buffer } from 'node:buffer';
import type { Endpoint } from '../pal/handles.ts';
import { formatIpAddress, parseIpAddress } from '../pal/ip-address.ts';
import { MalformedHeader } from './errors.ts';
import type { HeaderFacts } from './header-facts.ts';

/** Bytes of the longest line, its CRLF included: what the specification counts together. */
export const LONGEST_LINE = 107;
/** Bytes of "PROXY UNKNOWN" and CRLF: no line is shorter. */
export const SHORTEST_LINE = 15;

const CR = 0x0d;
const LF = 0x0a;
const START = Buffer.from('PROXY ');
/** Characters of the shortest fields behind TCP4 or TCP6: two addresses, two ports. */
const SHORTEST_FIELDS: Readonly<Record<string, readonly number[]>> = { TCP4: [7, 7, 1, 1], TCP6: [2, 2, 1, 1] };
/** What follows the start: the protocol, with what must come behind it. */
const PROTOCOL = /^(?:TCP[46] |UNKNOWN[ \r])/;
/** A decimal number of at most 5 digits, without zeros in front. */
const PORT = /^(?:0|[1-9]\d{0,4})$/;
const MAX_PORT = 65_535;

/**
 * How many bytes are certain to follow these in the line: 0 when it is complete. At least so many come, so whoever reads no more never
 * reads what is behind it.
 * @throws MalformedHeader as soon as no line can begin so
 */
export function lineBytesWanted(bytes: Buffer): number {
  const start = Math.min(bytes.length, START.length);
  if (bytes.compare(START, 0, start, 0, start) !== 0) throw new MalformedHeader('no line of version 1 begins so');
  if (bytes.length < SHORTEST_LINE) return SHORTEST_LINE - bytes.length;
  const line = bytes.toString('latin1');
  if (!PROTOCOL.test(line.slice(START.length))) {
    throw new MalformedHeader('its protocol must be TCP4, TCP6 or UNKNOWN, with one space in front and behind');
  }
  const end = bytes.findIndex((byte) => byte === CR || byte === LF);
  if (end === bytes.length - 2 && bytes[end] === CR && bytes[end + 1] === LF) return 0;
  const mayEndNow = end === bytes.length - 1 && bytes[end] === CR;
  if (end !== -1 && !mayEndNow) throw new MalformedHeader('its line must end with CRLF, and with nothing else');
  const wanted = mayEndNow ? 1 : restOf(line);
  if (bytes.length + wanted > LONGEST_LINE) {
    throw new MalformedHeader(`its line has more than the ${LONGEST_LINE} bytes that the longest one has`);
  }
  return wanted;
}

/** Bytes that a line of which the end is missing has at least before it: what is missing of its fields, and CRLF. */
function restOf(line: string): number {
  const [, protocol = '', ...fields] = line.split(' ');
  const shortest = SHORTEST_FIELDS[protocol];
  if (shortest === undefined) return 2;
  // The field in which the line stops may be complete, unless it is empty.
  const begun = fields.at(-1) === '' ? fields.length - 1 : fields.length;
  const missing = shortest.slice(begun);
  const spaces = Math.max(0, shortest.length - fields.length);
  return missing.reduce((sum, length) => sum + length, spaces) + 2;
}

/**
 * @param line all of it, with its CRLF
 * @throws MalformedHeader
 */
export function parseLine(line: Buffer): HeaderFacts {
  const [, protocol = '', ...fields] = line.toString('latin1', 0, line.length - 2).split(' ');
  const facts = { version: 1, command: 'PROXY', tlvs: [] } as const;
  if (protocol === 'UNKNOWN') return { ...facts, transport: 'unknown', source: null, destination: null };
  if (fields.length !== 4) {
    throw new MalformedHeader('its line must have two addresses and two ports, with one space in front of each');
  }
  const [from = '', to = '', fromPort = '', toPort = ''] = fields;
  const family = protocol === 'TCP4' ? 4 : 6;
  const source = endpoint(family, from, fromPort);
  return { ...facts, transport: 'tcp', source, destination: endpoint(family, to, toPort) };
}

function endpoint(family: 4 | 6, text: string, portText: string): Endpoint {
  // The zone of a link-local address means something to the proxy only.
  const address = text.includes('%') ? null : parseIpAddress(text);
  if (address?.family !== family) throw new MalformedHeader(`its addresses must be of IPv${family}`);
  const port = Number(portText);
  if (!PORT.test(portText) || port > MAX_PORT) {
    throw new MalformedHeader(`its ports must be numbers from 0 to ${MAX_PORT}, without zeros in front`);
  }
  return Object.freeze({ address: formatIpAddress(address), port, family });
}
