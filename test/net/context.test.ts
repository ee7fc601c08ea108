/** What others see of sockets and servers: asynchronous contexts, and the channels of node:diagnostics_channel. */
import { AsyncLocalStorage, createHook, executionAsyncId, triggerAsyncId } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { onEveryNet } from './support/net-beds.ts';
import { listening, pairOf, ended, portOf } from './support/sockets.ts';

onEveryNet('net, contexts', ({ net, ours }) => {
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

  it('calls the callbacks of a call in the asynchronous context of that call', async () => {
    const store = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const note = (what: string) => (): number => seen.push(`${what} in ${store.getStore() ?? 'nothing'}`);
    const pair = await store.run('connect', () => pairOf(net));
    const { client, served } = pair;
    served.resume();
    const timedOut = once(client, 'timeout');
    store.run('timer', () => client.setTimeout(20, note('timeout')));
    await timedOut;
    await new Promise<void>((resolve) => {
      store.run('writer of little', () => client.write('little', note('written')));
      // More than the system takes at once.
      store.run('writer of much', () => client.write(Buffer.alloc(8 << 20), note('written')));
      store.run('end', () =>
        client.end(() => {
          note('end')();
          resolve();
        }),
      );
    });
    expect(seen).to.deep.equal([
      'timeout in timer',
      'written in writer of little',
      'written in writer of much',
      'end in writer of much', // whose end begins the end of the socket, in Node.js too
    ]);
    await ended(pair);
  });

  it('shows async_hooks a resource of its own in each listener, and one that this comes from', async () => {
    const resources = new Map<number, { readonly type: string; readonly trigger: number }>();
    const hook = createHook({ init: (id, type, trigger) => void resources.set(id, { type, trigger }) }).enable();
    const current = (): { readonly type: string; readonly triggerIsKnown: boolean } => ({
      type: resources.get(executionAsyncId())?.type ?? 'none',
      triggerIsKnown: resources.has(triggerAsyncId()),
    });
    const seen: Record<string, ReturnType<typeof current>> = {};
    const server = await listening(net);
    server.on('connection', (socket) => {
      seen['connection'] = current();
      socket.on('data', () => (seen['data'] = current())).end('answer');
    });
    const client = net.connect(portOf(server), '127.0.0.1');
    client.on('connect', () => (seen['connect'] = current()));
    client.on('data', () => (seen['answer'] = current()));
    client.end('question');
    await once(client, 'close');
    server.close();
    await once(server, 'close');
    hook.disable();
    expect(Object.keys(seen).sort()).to.deep.equal(['answer', 'connect', 'connection', 'data']);
    for (const [event, { type, triggerIsKnown }] of Object.entries(seen)) {
      expect(type, event).to.match(ours ? /^iocp-pal:/ : /WRAP$/);
      expect(triggerIsKnown, event).to.equal(true);
    }
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
