/**
 * Tying a socket to this loop: to its completion port, or into its set of polled sockets.
 *
 *   accepted, moved, imported ── unassociated ──first call that needs it──► associated, for good
 *                                     │
 *                                     └── transfer(), exportSocket(): another loop may have it
 *
 * Windows ties a socket to a port once: another CreateIoCompletionPort fails, also through a duplicate in another process.
 * (FileReplaceCompletionInformation could undo it: docs/loops.md says why it is not used.) So what may still move must not
 * be tied. Servers with `deferAssociation` leave it until the first call that needs it; others do it at once, as everybody
 * else does, since it is one call per connection either way and its failures then are the accept's.
 *
 * A server is different: tcp/accept/server-association.ts.
 */
import { Win32Error } from '../../ffi/check.ts';
import { ERROR_INVALID_PARAMETER } from '../../ffi/wsa-errors.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { Context } from '../context/context.ts';
import { fromWin32Error } from '../util/errors.ts';
import type { SocketRecord } from './socket-record.ts';

/** Ties a socket that was made here to this loop. Throws Win32Error. */
export function attach(context: Context, record: SocketRecord): void {
  context.transport.attach(record);
  record.associated = true;
}

/** Ties a socket that has waited for it, and leaves others alone. Throws NetworkError. */
export function associate(context: Context, record: SocketRecord): void {
  if (record.associated) return;
  try {
    attach(context, record);
  } catch (error) {
    if (!(error instanceof Win32Error) || error.systemErrorCode !== ERROR_INVALID_PARAMETER) {
      throw fromWin32Error('loop', error);
    }
    throw new NetworkError(
      `Cannot use socket ${record.handle} in this loop: it is tied to the port of another one, which holds a duplicate of ` +
        'it (exportSocket). A socket works in one loop only',
      {
        kind: NetworkErrorCode.ConnectionFailed,
        code: 'ERR_SOCKET_ASSOCIATED',
        systemErrorCode: error.systemErrorCode,
        syscall: error.syscall,
      },
    );
  }
}

/** Throws unless the socket can still go to another loop. */
export function requireUnassociated(call: string, record: SocketRecord): void {
  if (!record.associated) return;
  throw new NetworkError(
    `Cannot ${call} socket ${record.handle}: it is tied to this loop's completion port, and Windows has no documented way ` +
      'to untie it. Accept it from a server with deferAssociation, and pass it on before anything else is done with it',
    { kind: NetworkErrorCode.ConnectionFailed, code: 'ERR_SOCKET_ASSOCIATED' },
  );
}
