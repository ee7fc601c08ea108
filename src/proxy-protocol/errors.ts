/** Why a connection is refused whose server reads PROXY headers. Each error names the peer: a proxy, or somebody who is none. */
import type { Endpoint } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';

/** A header that breaks the rules; its message says which. */
export class MalformedHeader extends Error {}

function refused(peer: Endpoint, code: string, kind: NetworkErrorCode, why: string, cause?: unknown): NetworkError {
  const { address, port } = peer;
  const message = `The connection of ${address} port ${port} was reset: ${why}`;
  return new NetworkError(message, { kind, code, address, port, cause });
}

/** @param rule what the header breaks */
export function malformedHeader(peer: Endpoint, { message }: MalformedHeader): NetworkError {
  return refused(peer, 'ERR_PROXY_HEADER', NetworkErrorCode.AcceptFailed, `it begins with no PROXY header: ${message}`);
}

export function endedInHeader(peer: Endpoint, bytes: number): NetworkError {
  const why = `it was ended by its peer after ${bytes} bytes of a PROXY header`;
  return refused(peer, 'ERR_PROXY_HEADER_ENDED', NetworkErrorCode.AcceptFailed, why);
}

export function headerTooSlow(peer: Endpoint, bytes: number, timeoutMs: number): NetworkError {
  const why = `only ${bytes} bytes of its PROXY header have come within proxyProtocol.timeoutMs (${timeoutMs} ms)`;
  return refused(peer, 'ERR_PROXY_HEADER_TIMEOUT', NetworkErrorCode.Timeout, why);
}

/** The read of the header has failed. */
export function headerUnread(peer: Endpoint, bytes: number, error: NetworkError): NetworkError {
  return refused(peer, error.code, error.kind, `after ${bytes} bytes of its PROXY header: ${error.message}`, error);
}

export function stranger(peer: Endpoint): NetworkError {
  const why = 'proxyProtocol.from does not name it, and proxyProtocol.required is not false';
  return refused(peer, 'ERR_PROXY_STRANGER', NetworkErrorCode.PermissionDenied, why);
}

export function tooManyHeaders(peer: Endpoint, most: number): NetworkError {
  const why = `${most} PROXY headers are being waited for already`;
  return refused(peer, 'ERR_PROXY_HEADERS_AWAITED', NetworkErrorCode.ResourceExhausted, why);
}
