/** What a peer has sent is not RTMP, or more than he may send. His connection is reset, and nothing else happens. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** The peer has ended his side between two messages, or wants no more: nothing is wrong. */
export class Finished extends Error {}
