/** Node's own dgram.Socket, as it was before anybody put another in its place. */
import nodeDgram from 'node:dgram';
import type { SocketOptions } from './socket-state.ts';

export const NodeSocket = nodeDgram.Socket as unknown as new (options: SocketOptions) => nodeDgram.Socket;
