/** TLS on a connection that is there already: what Node's TLS sockets find below them. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { expect } from 'chai';
import { onEveryNet } from './support/net-beds.ts';
import { bytesOf, ended, listening, pairOf, portOf, type Pair } from './support/sockets.ts';

/** TLS without a certificate: a key that both know. */
const KEY = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const PSK = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
const CLIENT = {
  ...PSK,
  pskCallback: () => ({ psk: KEY, identity: 'me' }),
  checkServerIdentity: () => undefined,
};
const SERVER = { ...PSK, pskCallback: () => KEY };

interface Secured extends Pair {
  readonly secureClient: tls.TLSSocket;
  readonly secureServed: tls.TLSSocket;
}

onEveryNet('TLS on a net connection', ({ net, ours }) => {
  async function secured(): Promise<Secured> {
    const pair = await pairOf(net);
    const server = tls.createServer(SERVER);
    const accepted = once(server, 'secureConnection') as Promise<[tls.TLSSocket]>;
    server.emit('connection', pair.served);
    const secureClient = tls.connect({ ...CLIENT, socket: pair.client });
    const [[secureServed]] = await Promise.all([accepted, once(secureClient, 'secureConnect')]);
    return { ...pair, secureClient, secureServed };
  }

  it('carries bytes both ways, and the end', async () => {
    const { secureClient, secureServed, ...pair } = await secured();
    secureServed.pipe(secureServed);
    const sent = Buffer.alloc(200_000, 'secret');
    secureClient.end(sent);
    expect((await bytesOf(secureClient)).equals(sent)).to.equal(true);
    await ended(pair);
  });

  for (const [state, connects] of [
    ['being made', true],
    ['to be made', false],
  ] as const) {
    it(`is begun on a connection that is still ${state}`, async () => {
      const server = await listening(net);
      server.on('connection', (socket) => {
        new tls.TLSSocket(socket, { ...SERVER, isServer: true }).end('hello');
      });
      const socket = new net.Socket();
      if (connects) socket.connect(portOf(server), '127.0.0.1');
      const secure = tls.connect({ ...CLIENT, socket });
      if (!connects) socket.connect(portOf(server), '127.0.0.1');
      expect((await bytesOf(secure)).toString()).to.equal('hello');
      const closed = once(server, 'close');
      server.close();
      socket.destroy();
      await closed;
    });
  }

  if (ours) {
    it('is through with a write that the system takes before the next turn, so that an alert or an answer is not dropped by a close', async () => {
      const { secureClient, secureServed, ...pair } = await secured();
      await new Promise((resolve) => secureServed.write('first', resolve));
      const log: string[] = [];
      secureServed.write('second', () => log.push('written'));
      await new Promise<void>((resolve) => setImmediate(resolve));
      expect(log).to.deep.equal(['written']);
      secureClient.destroy();
      await ended(pair);
    });
  }

  it('is destroyed when the connection below it is closed', async () => {
    const { secureClient, secureServed, ...pair } = await secured();
    secureClient.on('error', () => undefined);
    const destroyed = new Promise((resolve) => pair.served.once('close', () => resolve(secureServed.destroyed)));
    pair.served.destroy();
    expect(await destroyed).to.equal(true);
    await ended(pair);
  });

  it('knows its two ends', async () => {
    const { secureClient, secureServed, ...pair } = await secured();
    const endsOf = (socket: Socket): unknown[] => [
      socket.address(),
      socket.localAddress,
      socket.localPort,
      socket.remoteAddress,
      socket.remotePort,
      socket.remoteFamily,
    ];
    expect(endsOf(secureServed)).to.deep.equal(endsOf(pair.served));
    expect(endsOf(secureClient)).to.deep.equal(endsOf(pair.client));
    expect(secureServed.remotePort).to.equal(pair.client.localPort);
    expect(secureClient.setNoDelay(true).setKeepAlive(true, 1000).unref().ref()).to.equal(secureClient);
    await ended(pair);
  });
});
