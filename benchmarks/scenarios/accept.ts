/** Connections that come, say one thing and go. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { REFERENCE } from '../lib/peers.ts';
import { grid, NOTHING_MEASURED, type Scenario } from '../lib/scenario.ts';
import { withUsage } from '../lib/usage.ts';
import { open } from '../load/connections.ts';
import { Meter } from '../load/meter.ts';
import { until } from '../load/stall.ts';

const WARM_UP_SECONDS = 0.5;

export const accepting: Scenario = {
  title: 'accept: connect, one echo, close, again; "connections" are those at a time, latency is the whole of it',
  server: 'echo',
  ratioOf: 'messagesPerSecond',
  cells: (settings) => grid(settings, [32], [64]),
  measure: async (server, { connections, messageBytes }, { seconds }) => {
    const message = Buffer.alloc(messageBytes, 'a');
    const meter = new Meter(connections);
    let rounds = 0;
    let ended = false;
    const visitor = async (_: unknown, number: number): Promise<void> => {
      while (!ended) {
        const begun = performance.now();
        await visit(server.port, message);
        meter.answered(number, performance.now() - begun);
        rounds++;
      }
    };
    const visitors = Promise.all(Array.from({ length: connections }, visitor));
    let failure: unknown = null;
    visitors.catch((error: unknown) => {
      failure = error;
      ended = true;
    });
    await sleep(WARM_UP_SECONDS * 1000);
    const usage = await withUsage(server, async () => {
      meter.begin();
      const end = performance.now() + seconds * 1000;
      await until(
        () => failure !== null || performance.now() >= end,
        () => rounds,
        'connections',
      );
      meter.end();
    });
    ended = true;
    await visitors;
    return {
      ...NOTHING_MEASURED,
      ...usage,
      ...meter.figures(),
    };
  },
};

/**
 * What reuseSockets is worth. The visitors end first, so every socket could be used again; and the sockets of such a server do
 * not skip packets, which is measured by itself.
 */
export const reuse: Scenario = {
  ...accepting,
  title: 'reuse: the same, on a server with reuseSockets and on one without; "msg/s" is connections per second',
  peers: ['iocp', 'iocp-no-skip', 'iocp-reuse', REFERENCE],
};

/** Connects, has one message echoed, and ends in good order: resolves when the server has ended its side too. */
async function visit(port: number, message: Buffer): Promise<void> {
  let missing = message.length;
  const socket: Socket = await open(port, (bytes, self) => {
    missing -= bytes;
    if (missing <= 0) self.end();
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => {
      if (missing > 0) reject(new Error(`The server ended a connection with ${missing} bytes of the echo missing`));
      else resolve();
    });
    socket.write(message);
  });
}
