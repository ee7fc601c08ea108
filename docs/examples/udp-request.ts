/**
 * Questions and answers over UDP, where both may get lost: udp-request.ts answer [port], udp-request.ts ask <port> <name>
 *
 * A question that is not answered is sent again, so the one who answers may get it twice: its answers must not change anything. Each
 * has a number, by which a late answer to an earlier question is known.
 */
import { randomInt } from 'node:crypto';
import { bindUdp } from '../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { stopSignal } from './stop-signal.ts';

const [role = 'answer', port = '7007', name = 'nobody'] = process.argv.slice(2);

async function answer(): Promise<void> {
  const socket = await bindUdp({ port: Number(port) });
  stopSignal().addEventListener('abort', () => void socket.close()); // which ends the loop
  console.log(`answers on UDP ${socket.endpoint.address}:${socket.port}`);
  for await (const { data, remote } of socket) {
    const [number, who] = data.toString().split(' ', 2);
    // Nobody waits for the end of it, and it may fail for one peer (too long, unreachable) without ending the loop.
    socket.send(`${number} hello, ${who}`, remote).catch(console.error);
  }
}

async function ask(): Promise<void> {
  const socket = await bindUdp();
  const number = String(randomInt(2 ** 32));
  try {
    const { data } = await socket.request(
      `${number} ${name}`,
      { address: '127.0.0.1', port: Number(port) },
      { attempts: 5, retryAfter: 500, match: (datagram) => datagram.data.toString().startsWith(`${number} `) },
    );
    console.log(data.toString().slice(number.length + 1));
  } finally {
    await socket.close();
  }
}

await (role === 'ask' ? ask() : answer());
