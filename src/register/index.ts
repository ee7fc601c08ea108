/**
 * iocp-pal/register: `node --import iocp-pal/register program.js` puts iocp-pal/net and iocp-pal/dgram under a program that knows nothing
 * of it.
 *
 * It overwrites the exports of node:net and node:dgram, for ES modules too, and has the servers of http, https, http2 and tls listen on the PAL. What
 * connects through node:tls (tls.connect(port), https requests) stays on libuv. With IOCP_PAL_OFF=1, and on systems other than
 * Windows, it does nothing: for comparison.
 */
import { overwriteModules } from './overwrite.ts';

let restore: (() => void) | null = null;
if (process.platform === 'win32' && process.env['IOCP_PAL_OFF'] !== '1') restore = overwriteModules();

/** Gives the program Node's own modules back. Sockets and servers that exist go on as they are. */
export function unregister(): void {
  restore?.();
  restore = null;
}
