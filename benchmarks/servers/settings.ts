/** What all servers have in common. */

/**
 * Connections that may wait to be accepted: enough for all clients at once, as a busy server would have it. libuv hands it
 * to listen() as it is, which Windows takes for 200.
 */
export const BACKLOG = 4096;
/** Bytes of a pump's write. */
export const PUMP_BYTES = 65536;
/** Bytes of the file that is sent: 16 MiB. */
export const FILE_BYTES = 2 ** 24;
/** Bytes of the largest datagram, and datagrams that an echo has in hand at a time. */
export const DATAGRAM_BYTES = 65536;
export const DATAGRAMS_AT_ONCE = 64;
/** Bytes of a small write. */
export const SMALL_BYTES = 32;
/**
 * Bytes that may wait to be sent before a writer of small pieces pauses: 512 of them, and Node's own high-water mark up to
 * version 20. Its present one, 64 KiB, makes 2048 pieces: node:net passes all of them to one WSASend, of which Wine takes
 * no more than 1024, and the connection fails.
 */
export const HIGH_WATER_BYTES = 16384;
