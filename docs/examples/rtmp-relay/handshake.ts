/**
 * The handshake: both sides send a version, a time and random bytes, and each gives the other's back.
 *
 * C0 C1 ─► · ◄─ S0 S1 S2 · C2 ─►. Encoders compare what comes back at most, so we do not compare. The second form, in which
 * Flash Player signed the bytes, is asked for by a version in S1; with zeros there nobody asks.
 *
 * Source: Adobe's Real Time Messaging Protocol 1.0, 5.2
 */
import { randomBytes } from 'node:crypto';
import type { Connection } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import type { ByteReader } from './byte-reader.ts';
import { ProtocolError } from './protocol-error.ts';

const VERSION = 3;
/** Bytes of C1, S1, C2 and S2: a time, four zeros, random bytes. */
const PART_BYTES = 1536;

export async function handshake(connection: Connection, reader: ByteReader, timeout: number): Promise<void> {
  const version = (await reader.take(1)).readUInt8();
  if (version !== VERSION) throw new ProtocolError(`The handshake begins with version ${version}, not ${VERSION}`);
  const c1 = await reader.take(PART_BYTES);
  const s1 = randomBytes(PART_BYTES).fill(0, 0, 8);
  await connection.write([Buffer.of(VERSION), s1, c1], { timeout });
  await reader.take(PART_BYTES);
}
