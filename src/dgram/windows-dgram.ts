/** The module as it is on Windows: everything that node:dgram exports, with Socket on the PAL. */
import nodeDgram from 'node:dgram';
import { Socket } from './socket.ts';

function createSocket(...args: unknown[]): unknown {
  return Reflect.construct(Socket, args);
}

export const windowsDgram: typeof nodeDgram = {
  ...nodeDgram,
  Socket: Socket as unknown as typeof nodeDgram.Socket,
  createSocket: createSocket as typeof nodeDgram.createSocket,
};
