/**
 * Connections that an http.Agent keeps for its next request.
 *
 * Whatever comes on one of them answers no request. Handed on, it would be taken for the answer to the next one, so Node.js destroys
 * such a connection. Its Agent does that through the native handle of the socket, which ours do not have: they look themselves.
 * Source: lib/_http_agent.js, freeSocketOnReadGuard
 */

interface HttpSocket {
  /** The request that has the connection: undefined where http has nothing to do with it, null where there is none. */
  readonly _httpMessage?: unknown;
  listeners(event: 'error'): readonly unknown[];
}

/** The listener that an Agent puts on a connection for as long as it is free. */
const FREE = 'freeSocketErrorListener';

/** An Agent has it, and no request does. */
export function isFreeInAgent(socket: HttpSocket): boolean {
  return socket._httpMessage === null && socket.listeners('error').some((listener) => nameOf(listener) === FREE);
}

function nameOf(listener: unknown): string {
  return typeof listener === 'function' ? listener.name : '';
}
