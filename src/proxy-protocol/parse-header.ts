/**
 * A header of either version, as its bytes come: how many more are certain to be its own, and at the end what it says. It reads nothing
 * itself.
 *
 * Whoever asks for no more bytes than that never has one of what follows the header, which belongs to somebody else.
 *
 * Why our own: of the packages for Node.js, proxy-protocol-js 4.0.6 and @balena/proxy-protocol-parser 1.0.2 want the whole
 * header at once, check neither addresses nor the ports' form (`PROXY TCP4 x y 007 99999` passes), and hand out fields unparsed or not at
 * all; proxy-protocol 1.0.1 and findhit-proxywrap 0.3.13 know version 1 only, or take over the server.
 */
import type { Buffer } from 'node:buffer';
import { binaryBytesWanted, parseBinary } from './binary-header.ts';
import { MalformedHeader } from './errors.ts';
import type { HeaderFacts } from './header-facts.ts';
import { lineBytesWanted, parseLine, SHORTEST_LINE } from './header-line.ts';

const START_OF_LINE = 0x50; // 'P'
const START_OF_BINARY = 0x0d; // CR

/**
 * How many more bytes belong to the header that begins so: 0 when it is complete.
 * @throws MalformedHeader as soon as no header can begin so
 */
export function headerBytesWanted(bytes: Buffer): number {
  switch (bytes[0]) {
    case undefined:
      return SHORTEST_LINE; // the other version's is longer
    case START_OF_LINE:
      return lineBytesWanted(bytes);
    case START_OF_BINARY:
      return binaryBytesWanted(bytes);
    default:
      throw new MalformedHeader('neither version begins so');
  }
}

/**
 * What a complete header says.
 * @throws MalformedHeader
 */
export function parseHeader(bytes: Buffer): HeaderFacts {
  return bytes[0] === START_OF_LINE ? parseLine(bytes) : parseBinary(bytes);
}
