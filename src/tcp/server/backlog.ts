/**
 * The backlog in the form that listen() wants.
 *
 * Windows takes a plain backlog for 200 at most, silently, and answers the connections beyond it with RST. A larger one is
 * asked for with SOMAXCONN_HINT(n), which is -n, and which the system adjusts into 200 … 65535
 * (https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-listen). Linux, and so Wine, compares the number
 * without its sign with net.core.somaxconn, so that the hint asks for as much as there is (listen(2)).
 */
import { SOMAXCONN_HINT_MAX, SOMAXCONN_HINT_MIN } from '../../../ffi/constants.ts';

/**
 * Connections that wait for a server which does not look for a moment: what Linux allows by default (net.core.somaxconn
 * since 5.4). The 511 of node:net would refuse some of a thousand clients that come at once.
 */
export const DEFAULT_BACKLOG = 4096;

/** @param backlog connections that may wait to be accepted, 1 … SOMAXCONN. Returns listen()'s argument. */
export function listenArgument(backlog: number): number {
  return backlog > SOMAXCONN_HINT_MIN ? -Math.min(backlog, SOMAXCONN_HINT_MAX) : backlog;
}
