/** Sends back each datagram: node:dgram, or what has its exports, as its users set it up. */
import type dgram from 'node:dgram';
import { report } from './control.ts';

export function serveNodeDgram({ createSocket }: typeof dgram): void {
  const socket = createSocket('udp4');
  socket.on('message', (data, { address, port }) => {
    socket.send(data, port, address);
  });
  socket.bind(0, '127.0.0.1', () => {
    report(socket.address().port, () => ({ pinnedBytes: 0, accepted: 0 }));
  });
}
