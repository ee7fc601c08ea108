/** What most tests of iocp-pal/dgram need: sockets that are bound, what comes to them, and their end. */
import { once } from 'node:events';
import type dgram from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';

/** A socket on the loopback interface. */
export async function boundSocket(module: typeof dgram, options: object = {}, address = '127.0.0.1'): Promise<Socket> {
  const socket = module.createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ...options });
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

export interface Message {
  readonly text: string;
  readonly peer: RemoteInfo;
}

/** The next datagram. */
export async function messageTo(socket: Socket): Promise<Message> {
  const [bytes, peer] = (await once(socket, 'message')) as [Buffer, RemoteInfo];
  return { text: bytes.toString('latin1'), peer };
}

/** The texts of the next datagrams. */
export async function textsTo(socket: Socket, count: number): Promise<string[]> {
  const texts: string[] = [];
  return new Promise((resolve) => {
    const take = (message: Buffer): void => {
      texts.push(message.toString('latin1'));
      if (texts.length < count) return;
      socket.off('message', take);
      resolve(texts);
    };
    socket.on('message', take);
  });
}

/** What send() calls back with. */
export async function sent(send: (callback: (error: Error | null, bytes: number) => void) => void): Promise<number> {
  return new Promise((resolve, reject) => send((error, bytes) => (error === null ? resolve(bytes) : reject(error))));
}

export async function closed(...sockets: readonly Socket[]): Promise<void> {
  await Promise.all(
    sockets.map(async (socket) => {
      const end = once(socket, 'close');
      socket.close();
      await end;
    }),
  );
}

/** What it throws. */
export function thrown(attempt: () => unknown): NodeJS.ErrnoException {
  try {
    attempt();
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error(`Nothing was thrown by ${String(attempt)}`);
}
