/**
 * What a token says of its SOCKET, against what the system says: a number that came from outside is asked about before it is taken
 * over. Windows gives the number of a closed SOCKET to the next one at once, so the wrong one may be a stranger's connection,
 * a server, or another kind of handle; the mistake would show much later, in somebody else's traffic.
 *
 * SO_PROTOCOL_INFOW gives family and type, and WSAENOTSOCK for what is no socket; getpeername gives the connection. A peer that
 * has reset it meanwhile is a race of states and no mistake: then getpeername may say WSAENOTCONN, and what is left to tell
 * such a socket from one that never was a connection is its local address.
 *
 * Sources: https://learn.microsoft.com/windows/win32/winsock/sol-socket-socket-options,
 * https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-getpeername
 */
import { Win32Error } from '../../../ffi/check.ts';
import { AF_INET, SO_ACCEPTCONN, SOCK_STREAM, SOL_SOCKET } from '../../../ffi/constants.ts';
import { WSAEINVAL, WSAENOTCONN, WSAENOTSOCK } from '../../../ffi/wsa-errors.ts';
import type { Endpoint } from '../../pal/handles.ts';
import { isUnspecified, parseIpAddress } from '../../pal/ip-address.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { argumentError, NetworkError } from '../../pal/network-error.ts';
import { askForEndpoint } from '../../sockets/addresses.ts';
import type { Context } from '../../context/context.ts';
import { endpointText, kindOf, systemError } from '../../util/errors.ts';
import { getIntOption, protocolOf } from '../../sockets/sockets.ts';

export interface Claim {
  readonly socket: number;
  readonly family: 4 | 6;
  /** Of a connection, as far as it is known. */
  readonly peer: Endpoint | null;
}

/** Whose claim it is, for messages: the call, and what gave out the token. */
export interface Claimant {
  readonly call: 'receiveTransfer' | 'importSocket' | 'importServer';
  readonly from: string;
}

/** What of a claim is wrong, and what the system says instead. */
interface Mismatch {
  readonly part: keyof Claim | 'kind';
  readonly truth: string;
}

/** Where tokens of the two kinds say it: a TransferToken is of one kind only, and a SocketInfo has no SOCKET. */
const FIELDS: Readonly<Record<Claimant['call'], Readonly<Record<Mismatch['part'], string>>>> = {
  receiveTransfer: { socket: 'socket', family: 'family', peer: 'peer', kind: 'socket' },
  importSocket: { socket: 'protocolInfo', family: 'family', peer: 'peer', kind: 'kind' },
  importServer: { socket: 'protocolInfo', family: 'family', peer: 'peer', kind: 'kind' },
};

/** Throws unless the SOCKET is a connection, and the one that the token says: TypeError, or NetworkError with the system's code. */
export function requireConnection(context: Context, claim: Claim, claimant: Claimant): void {
  require(context, claim, claimant, wrongConnection);
}

/** The same for a listening socket. */
export function requireListener(context: Context, claim: Claim, claimant: Claimant): void {
  require(context, claim, claimant, wrongListener);
}

/** The SOCKET is a connection still, and the one that is meant. */
export function isConnection(context: Context, claim: Claim): boolean {
  try {
    return wrongConnection(context, claim) === null;
  } catch {
    return false;
  }
}

function require(
  context: Context,
  claim: Claim,
  { call, from }: Claimant,
  wrong: (context: Context, claim: Claim) => Mismatch | null,
): void {
  let found: Mismatch | null;
  try {
    found = wrong(context, claim);
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
    throw unanswered(claim, { call, from }, error);
  }
  if (found === null) return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot ${call} SOCKET ${claim.socket}: it must be what ${from} returned, unchanged. Its '${FIELDS[call][found.part]}' is wrong: ` +
      found.truth,
  );
}

function unanswered(
  { socket }: Claim,
  { call, from }: Claimant,
  { syscall, systemErrorCode }: Win32Error,
): NetworkError {
  const { code, errno, message } = systemError('socket', syscall, systemErrorCode);
  const isNone = systemErrorCode === WSAENOTSOCK;
  const why = isNone ? `. It was closed by somebody else, or is not what ${from} returned` : '. Try again';
  return new NetworkError(`Cannot ${call} SOCKET ${socket}: ${message}${why}`, {
    kind: isNone ? NetworkErrorCode.ConnectionClosed : kindOf('socket', systemErrorCode),
    code,
    errno,
    systemErrorCode,
    syscall,
  });
}

/** Throws Win32Error. */
function wrongConnection(context: Context, claim: Claim): Mismatch | null {
  const wrong = wrongProtocol(context, claim);
  if (wrong !== null) return wrong;
  const { socket, peer } = claim;
  const actual = peerOf(context, socket);
  if (actual === null) return isBound(context, claim) ? null : { part: 'socket', truth: 'it is not connected' };
  if (actual === 'listening') return { part: 'kind', truth: 'it is a listening socket' };
  if (peer === null || isSame(peer, actual)) return null;
  return { part: 'peer', truth: `it is connected to ${endpointText(actual.address, actual.port)}` };
}

/** Throws Win32Error. */
function wrongListener(context: Context, claim: Claim): Mismatch | null {
  const wrong = wrongProtocol(context, claim);
  if (wrong !== null) return wrong;
  return isListening(context, claim.socket) ? null : { part: 'kind', truth: 'it is no listening socket' };
}

/** Throws Win32Error. */
function wrongProtocol(context: Context, { socket, family }: Claim): Mismatch | null {
  const protocol = protocolOf(context, socket);
  if (protocol.iSocketType !== SOCK_STREAM) return { part: 'socket', truth: 'it is no TCP socket' };
  const actual = protocol.iAddressFamily === AF_INET ? 4 : 6;
  return actual === family ? null : { part: 'family', truth: `the socket is of IPv${actual}` };
}

/** Null when there is none (any more). Throws Win32Error. */
function peerOf(context: Context, socket: number): Endpoint | 'listening' | null {
  try {
    return askForEndpoint(context, 'getpeername', socket);
  } catch (error) {
    if (!(error instanceof Win32Error) || error.systemErrorCode !== WSAENOTCONN) throw error;
  }
  return isListening(context, socket) ? 'listening' : null;
}

/** A connection that is gone has kept its local address; one that was never made has none, or any. Throws Win32Error. */
function isBound(context: Context, { socket }: Claim): boolean {
  try {
    const local = parseIpAddress(askForEndpoint(context, 'getsockname', socket).address);
    return local !== null && !isUnspecified(local);
  } catch (error) {
    if (error instanceof Win32Error && error.systemErrorCode === WSAEINVAL) return false;
    throw error;
  }
}

function isListening(context: Context, socket: number): boolean {
  return getIntOption(context, socket, SOL_SOCKET, SO_ACCEPTCONN, 'getsockopt(SO_ACCEPTCONN)') !== 0;
}

/** The zone is left out: AcceptEx and getpeername need not agree on it. */
function isSame(one: Endpoint, other: Endpoint): boolean {
  return one.port === other.port && withoutZone(one.address) === withoutZone(other.address);
}

function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}
