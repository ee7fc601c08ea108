/**
 * Tying a listening socket to this loop. Only its accepts complete through it, and these can do without a port
 * (Transport.share), so a server that another process has tied to its port works here as well.
 */
import { Win32Error } from '../../../ffi/check.ts';
import { ERROR_INVALID_PARAMETER } from '../../../ffi/wsa-errors.ts';
import type { Context } from '../../context/context.ts';
import { attach } from '../../sockets/association.ts';
import { fromWin32Error } from '../../util/errors.ts';
import type { Listener } from './listener.ts';

/** Ties a server that waited for it, as the last step before its first accept. Throws NetworkError, and has done nothing then. */
export function associateServer(context: Context, listener: Listener): void {
  try {
    context.transport.prepareListener(listener, listener.spares !== null);
  } catch (error) {
    throw fromWin32Error('listen', error);
  }
  try {
    tie(context, listener);
  } catch (error) {
    throw fromWin32Error('loop', error);
  }
}

/** Throws Win32Error. */
function tie(context: Context, listener: Listener): void {
  const { transport } = context;
  try {
    attach(context, listener);
  } catch (error) {
    const isTaken = error instanceof Win32Error && error.systemErrorCode === ERROR_INVALID_PARAMETER;
    if (!isTaken || transport.share === undefined) throw error;
    // Another process accepts from it through its port: this one accepts too, another way.
    transport.share(listener);
    listener.associated = true;
  }
}
