/** What all servers have in common. */

/** Connections that may wait to be accepted: enough for all clients at once, as a busy server would have it. */
export const BACKLOG = 4096;
/** Bytes of a pump's write. */
export const PUMP_BYTES = 65536;
/** Bytes of a small write. */
export const SMALL_BYTES = 32;
/** Bytes that may wait to be sent before a writer pauses: Node's own high-water mark. */
export const HIGH_WATER_BYTES = 65536;
