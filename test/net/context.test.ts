/** What others see of sockets and servers: asynchronous contexts, and the channels of node:diagnostics_channel. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { onEveryNet } from './support/net-beds.ts';
import { listening, pairOf, ended, portOf } from './support/sockets.ts';

onEveryNet('net, contexts', ({ net }) => {
  it('calls listeners in the asynchronous context in which the socket was connected, or the server listened', async () => {
    const store = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const server = await store.run('listen', () => listening(net));
    server.on('connection', (socket) => {
      seen.push(`server connection ${store.getStore() ?? 'nowhere'}`);
      socket.pipe(socket);
    });
    const client = store.run('connect', () => net.connect(portOf(server), 'localhost'));
    for (const event of ['lookup', 'connect', 'data', 'end', 'close']) {
      client.on(event, () => seen.push(`client ${event} ${store.getStore() ?? 'nowhere'}`));
    }
    store.run('elsewhere', () => client.end('hello'));
    await once(client, 'close');
    server.close();
    await once(server, 'close');
    expect(seen).to.have.members([
      'server connection listen',
      ...['lookup', 'connect', 'data', 'end', 'close'].map((event) => `client ${event} connect`),
    ]);
  });

  it('tells the channels of clients and of servers of each socket', async () => {
    const told: [string, unknown][] = [];
    const channels = ['net.client.socket', 'net.server.socket'] as const;
    const listeners = channels.map(
      (channel) => (message: unknown) => told.push([channel, (message as { readonly socket: Socket }).socket]),
    );
    channels.forEach((channel, index) => subscribe(channel, listeners[index] ?? expect.fail()));
    const pair = await pairOf(net).finally(() =>
      channels.forEach((channel, index) => unsubscribe(channel, listeners[index] ?? expect.fail())),
    );
    expect(told.map(([channel]) => channel).sort()).to.deep.equal([...channels]);
    expect(told.find(([channel]) => channel === 'net.client.socket')?.[1]).to.equal(pair.client);
    expect(told.find(([channel]) => channel === 'net.server.socket')?.[1]).to.equal(pair.served);
    await ended(pair);
  });

  it('tells the channels of a listen that has begun, has succeeded, or has failed', async () => {
    const told: string[] = [];
    const steps = ['asyncStart', 'asyncEnd', 'error'] as const;
    const listeners = steps.map((step) => () => told.push(step));
    steps.forEach((step, index) => subscribe(`tracing:net.server.listen:${step}`, listeners[index] ?? expect.fail()));
    try {
      const server = await listening(net);
      expect(told).to.deep.equal(['asyncStart', 'asyncEnd']);
      told.length = 0;
      const second = net.createServer().listen(portOf(server), '127.0.0.1');
      await new Promise((resolve) => second.once('error', resolve));
      expect(told).to.deep.equal(['asyncStart', 'error']);
      server.close();
      await once(server, 'close');
    } finally {
      steps.forEach((step, index) =>
        unsubscribe(`tracing:net.server.listen:${step}`, listeners[index] ?? expect.fail()),
      );
    }
  });
});
