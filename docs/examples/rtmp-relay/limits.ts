const MIB = 1024 * 1024;

/**
 * What one stranger may cost. The defaults suit streams of some Mbit/s. Bounds that nobody needs to change (the levels of a value, the
 * bytes of a command) are where they are kept.
 */
export const DEFAULT_LIMITS = {
  /** Connections at a time; what is beyond waits in the system's backlog. */
  maxConnections: 10_000,
  /** Milliseconds from the first byte of the handshake to `publish` or `play`: who has done neither is thrown out. */
  beginMs: 10_000,
  /** Milliseconds of silence after which a peer is asked whether he is there (a ping); after twice as long he is not. */
  silenceMs: 30_000,
  /** Milliseconds that a peer may take nothing of what is sent to him. */
  stallMs: 30_000,
  /** Bytes of one message, and of all that a peer has begun and not ended: a key frame in 4K takes about one MiB. */
  messageBytes: 8 * MIB,
  /** Bytes that wait for one player: two groups of pictures, at least. With less, a slow player sees a gap in each. */
  queueBytes: 4 * MIB,
};

export type Limits = Readonly<typeof DEFAULT_LIMITS>;
