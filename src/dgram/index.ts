/**
 * iocp-pal/dgram: node:dgram on I/O completion ports. A program changes one import.
 *
 * On systems other than Windows it is node:dgram itself. Its types are those of node:dgram everywhere. docs/coming-from-node-net.md
 * says call by call what is the same.
 *
 * @example
 * import dgram from 'iocp-pal/dgram';
 * const socket = dgram.createSocket('udp4', (message, peer) => socket.send(message, peer.port, peer.address));
 * socket.bind(7007);
 */
import nodeDgram from 'node:dgram';
import { windowsDgram } from './windows-dgram.ts';

/** The module, as `import dgram from 'node:dgram'` gives it. */
const dgram: typeof nodeDgram = process.platform === 'win32' ? windowsDgram : nodeDgram;
export default dgram;

/** dgram.Socket, on a UDP socket of the PAL. What is bound to a descriptor or in a cluster's worker is Node's own. */
export const Socket = dgram.Socket;
export type Socket = nodeDgram.Socket;
/** Makes a Socket, which is not bound yet. */
export const createSocket = dgram.createSocket;

export type * from 'node:dgram';
