/** What a record in the queue asks for. `subject` is a socket's handle, or the number of a post's callback. */
export const RemoteCommand = {
  /** Nothing: its producer threw in the middle of writing it. */
  Nothing: 0,
  /** asyncWrite(subject, payload). */
  Write: 1,
  /** closeSocket(subject). */
  Close: 2,
  /** The callback with the number `subject` gets the payload. */
  Post: 3,
  /** stopEventLoop(). */
  Stop: 4,
  /** The loop takes over the connected SOCKET `subject`; the payload says what is known of it. */
  AcceptConnection: 5,
} as const;
