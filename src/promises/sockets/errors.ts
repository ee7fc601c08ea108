/** The errors of this face: what no PAL reports, or what its two foundations must say alike. */
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';

/** A call on something that was closed here, or that was pending when it was closed: the one code for "closed by me". */
export function closedHere(what: 'connection' | 'server' | 'socket'): NetworkError {
  return new NetworkError(`The call ECANCELED: the ${what} was closed here before it could end`, {
    kind: NetworkErrorCode.ConnectionClosed,
    code: 'ECANCELED',
  });
}

/** A second read while one is under way: nobody could say which bytes are whose. */
export function readUnderWay(): NetworkError {
  return new NetworkError('Cannot read: another read of this connection is under way. Await it first', {
    kind: NetworkErrorCode.ReadFailed,
    code: 'ERR_READ_UNDER_WAY',
  });
}

/** The stream ended within what was to be read. What had come stays readable. */
export function endedEarly(wanted: string, held: number): NetworkError {
  return new NetworkError(`The peer ended the stream before ${wanted} had come: ${held} bytes are left to read`, {
    kind: NetworkErrorCode.ReadFailed,
    code: 'ERR_UNEXPECTED_END',
  });
}

/** A Socket is wanted of a stream whose end has been read: nobody would hear of the end any more. */
export function endWasRead(): NetworkError {
  return new NetworkError('Cannot make a Socket: the peer has ended the stream, and a read has seen its end', {
    kind: NetworkErrorCode.ReadFailed,
    code: 'ERR_END_WAS_READ',
  });
}

/** What was to be delimited is longer than the caller allows. */
export function limitReached(limit: number): NetworkError {
  return new NetworkError(
    `No delimiter within ${limit} bytes. Read them with read(), close the connection, or raise limit`,
    { kind: NetworkErrorCode.ReadFailed, code: 'ERR_LIMIT_REACHED' },
  );
}

/** A write behind closeWrite(). */
export function writeAfterEnd(): NetworkError {
  return new NetworkError('Cannot write EPIPE: closeWrite() has ended this side of the connection', {
    kind: NetworkErrorCode.WriteFailed,
    code: 'EPIPE',
  });
}

/** A write behind one that was taken back half-sent. */
export function streamBroken(): NetworkError {
  return new NetworkError(
    'Cannot write EPIPE: an earlier write was taken back when a part of it may have been sent, so nothing can follow. ' +
      'Close the connection; the peer gets a reset',
    { kind: NetworkErrorCode.WriteFailed, code: 'EPIPE' },
  );
}
