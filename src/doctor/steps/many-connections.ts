/** Many connections that are opened in one turn: more than the accepts that are posted, and than a plain backlog of 200. */
import type { SocketHandle } from '../../pal/handles.ts';
import type { NetworkPal } from '../../pal/network-pal.ts';
import { accept, connect, LOOPBACK, readExactly, write } from './pal-promises.ts';
import type { Step } from './step.ts';

/** As in nodejs/node#38736, where Windows refused a third of so many. */
const CONNECTIONS = 300;
const MESSAGE_BYTES = 64;

export const manyConnections: Step = {
  name: `echo over ${CONNECTIONS} connections opened at once`,
  advice:
    'Refused: the backlog of listening sockets is too short, or a firewall or antivirus product limits new connections. ' +
    'WSAENOBUFS or EADDRINUSE: the dynamic ports are used up (see "dynamic ports" above, and netstat -an)',
  async run({ pal }) {
    const server = pal.createServer(LOOPBACK, 0, { noDelay: true });
    const served = Promise.all(
      Array.from({ length: CONNECTIONS }, () => accept(pal, server.handle).then((client) => echoOnce(pal, client))),
    );
    served.catch(() => undefined); // the clients say more
    const outcomes = await Promise.allSettled(
      Array.from({ length: CONNECTIONS }, (_, index) => exchange(pal, server.port, index)),
    );
    pal.closeSocket(server.handle);
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    const [first] = failures;
    if (first !== undefined) {
      throw new Error(`${failures.length} of ${CONNECTIONS} failed, the first with: ${String(first.reason)}`);
    }
    await served;
    return `${CONNECTIONS} messages came back as they were sent`;
  },
};

async function echoOnce(pal: NetworkPal, client: SocketHandle): Promise<void> {
  await write(pal, client, await readExactly(pal, client, MESSAGE_BYTES));
  pal.closeSocket(client);
}

async function exchange(pal: NetworkPal, port: number, index: number): Promise<void> {
  const message = Buffer.alloc(MESSAGE_BYTES, `message of connection ${index}, `);
  const socket = await connect(pal, port);
  try {
    await write(pal, socket, message);
    const answer = await readExactly(pal, socket, MESSAGE_BYTES);
    if (!answer.equals(message)) throw new Error(`connection ${index} got other bytes back than it had sent`);
  } finally {
    pal.closeSocket(socket);
  }
}
