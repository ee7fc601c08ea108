/** Bytes there and back: the first thing that a program does with node:net. */
import { once } from 'node:events';
import { expect } from 'chai';
import { onEveryNet } from './support/net-beds.ts';
import { bytesOf, ended, eventsOf, listening, pairOf, portOf } from './support/sockets.ts';

onEveryNet('net, an echo server', ({ net }) => {
  for (const size of [1, 4096, 65_536, 65_537, 1_000_000, 5_000_000]) {
    it(`gives ${size} bytes back`, async () => {
      const server = await listening(net);
      server.on('connection', (socket) => socket.pipe(socket));
      const client = net.connect(portOf(server), '127.0.0.1');
      const sent = Buffer.alloc(size, 'a stream of bytes');
      client.end(sent);
      const got = await bytesOf(client);
      expect(got.equals(sent), `${got.length} bytes`).to.equal(true);
      expect(client.bytesRead).to.equal(size);
      expect(client.bytesWritten).to.equal(size);
      server.close();
      await once(server, 'close');
    });
  }

  it('keeps many small writes in order, corked and not', async () => {
    const pair = await pairOf(net);
    let expected = '';
    for (let index = 0; index < 500; index++) {
      if (index % 7 === 0) pair.client.cork();
      pair.client.write(`${index},`);
      expected += `${index},`;
      if (index % 11 === 0) pair.client.uncork();
    }
    pair.client.end();
    expect((await bytesOf(pair.served)).toString()).to.equal(expected);
    await ended(pair);
  });

  it('tells its events in their order', async () => {
    const server = await listening(net);
    const names = ['lookup', 'connectionAttempt', 'connect', 'ready', 'data', 'end', 'finish', 'close'];
    const served = new Promise<string[]>((resolve) => {
      server.once('connection', (socket) => {
        const events = eventsOf(socket, names);
        socket.once('close', () => resolve(events));
        socket.end('hello');
        socket.resume();
      });
    });
    const client = net.connect(portOf(server), '127.0.0.1');
    const events = eventsOf(client, names);
    await once(client, 'close');
    expect(events).to.deep.equal(['connectionAttempt', 'connect', 'ready', 'data', 'end', 'finish', 'close false']);
    expect(await served).to.deep.equal(['finish', 'end', 'close false']);
    server.close();
    await once(server, 'close');
  });
});
