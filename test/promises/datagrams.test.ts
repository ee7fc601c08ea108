/** UDP sockets with promises. */
import { expect } from 'chai';
import { NetworkErrorCode } from '../../src/index.ts';
import type { DatagramSocket, Endpoint } from '../../src/promises/index.ts';
import { failureOf, onEveryNetwork } from '../support/networks.ts';
import { until } from '../support/until.ts';

onEveryNetwork('promises: datagrams', (fixture) => {
  async function sockets(count: number): Promise<DatagramSocket[]> {
    return Promise.all(Array.from({ length: count }, () => fixture.network.bindUdp()));
  }
  const close = (all: DatagramSocket[]): Promise<unknown> => Promise.all(all.map((socket) => socket.close()));

  it('send and receive, and answer to the sender', async () => {
    const [one, two] = (await sockets(2)) as [DatagramSocket, DatagramSocket];
    await one.send('hello', two.endpoint);
    const { data, remote, size } = await two.receive();
    expect([String(data), remote, size]).to.deep.equal(['hello', one.endpoint, 5]);
    await two.send([Buffer.from('and '), Buffer.from('back')], remote);
    expect(String((await one.receive()).data)).to.equal('and back');
    await one.send(Buffer.alloc(0), two.endpoint);
    expect((await two.receive()).data.length, 'an empty one is one too').to.equal(0);
    await close([one, two]);
  });

  it('iterate until the socket is closed, and leave the bytes to the caller', async () => {
    const [one, two] = (await sockets(2)) as [DatagramSocket, DatagramSocket];
    const got: Buffer[] = [];
    const reading = (async () => {
      for await (const { data } of two) got.push(data);
    })();
    for (const text of ['a', 'bb', 'ccc']) {
      const before = got.length;
      await one.send(text, two.endpoint);
      await until(
        () => got.length > before,
        () => 'the datagram',
      );
    }
    await close([one, two]);
    await reading;
    expect(got.map(String)).to.deep.equal(['a', 'bb', 'ccc']);
  });

  it('are not lost by receives that time out or are aborted, and are served in order', async () => {
    const [one, two] = (await sockets(2)) as [DatagramSocket, DatagramSocket];
    const controller = new AbortController();
    const late = failureOf(two.receive({ timeout: 5 }));
    const aborted = failureOf(two.receive({ signal: controller.signal }));
    const first = two.receive();
    const second = two.receive({ timeout: 60_000 });
    controller.abort();
    expect((await aborted).code).to.equal('ABORT_ERR');
    expect((await late).code).to.equal('ETIMEDOUT');
    await one.send('1', two.endpoint);
    await one.send('2', two.endpoint);
    expect([String((await first).data), String((await second).data)]).to.deep.equal(['1', '2']);
    expect((await failureOf(two.receive({ timeout: 5 }))).code, 'and nobody waits').to.equal('ETIMEDOUT');
    await one.send('3', two.endpoint);
    expect(String((await two.receive()).data)).to.equal('3');
    await close([one, two]);
  });

  it('request gets its answer, and what else comes goes to receive', async () => {
    const [client, server, stranger] = (await sockets(3)) as [DatagramSocket, DatagramSocket, DatagramSocket];
    const serving = (async () => {
      for await (const { data, remote } of server) {
        await stranger.send('not from there', remote);
        await server.send('no match', remote);
        await server.send(`answer to ${String(data)}`, remote);
      }
    })();
    const match = ({ data }: { data: Buffer }): boolean => String(data).startsWith('answer');
    const answer = await client.request('question', server.endpoint, { match });
    expect(String(answer.data)).to.equal('answer to question');
    const others = [String((await client.receive()).data), String((await client.receive()).data)];
    expect(others.sort()).to.deep.equal(['no match', 'not from there']);
    await close([client, server, stranger]);
    await serving;
  });

  it('request sends again until somebody answers', async () => {
    const [client, server] = (await sockets(2)) as [DatagramSocket, DatagramSocket];
    const heard: string[] = [];
    const serving = (async () => {
      for await (const { data, remote } of server) {
        heard.push(String(data));
        if (heard.length === 3) await server.send('at last', remote);
      }
    })();
    const answer = await client.request('anybody?', server.endpoint, { retryAfter: 20, attempts: 1000 });
    expect(String(answer.data)).to.equal('at last');
    expect(heard.slice(0, 3)).to.deep.equal(['anybody?', 'anybody?', 'anybody?']);
    await close([client, server]);
    await serving;
  });

  it('request gives up after so many attempts, or when its time is over', async () => {
    const [client, silent] = (await sockets(2)) as [DatagramSocket, DatagramSocket];
    const { code, kind, message } = await failureOf(
      client.request('hello', silent.endpoint, { attempts: 3, retryAfter: 5 }),
    );
    expect({ code, kind }).to.deep.equal({ code: 'ETIMEDOUT', kind: NetworkErrorCode.Timeout });
    expect(message).to.include('sent 3 times');
    for (let received = 0; received < 3; received++) expect(String((await silent.receive()).data)).to.equal('hello');
    const late = await failureOf(client.request('hello', silent.endpoint, { timeout: 20, attempts: 1000 }));
    expect(late.code).to.equal('ETIMEDOUT');
    await silent.send('too late', client.endpoint);
    expect(String((await client.receive()).data), 'is not lost').to.equal('too late');
    await close([client, silent]);
  });

  it('answers what is pending when it is closed, and later calls, with one code', async () => {
    const [socket, other] = (await sockets(2)) as [DatagramSocket, DatagramSocket];
    const to = other.endpoint;
    const calls = [failureOf(socket.receive()), failureOf(socket.receive()), failureOf(socket.request('x', to))];
    const closing = socket.close();
    calls.push(failureOf(socket.receive()), failureOf(socket.send('x', to)), failureOf(socket.request('x', to)));
    for (const [index, { code, kind }] of (await Promise.all(calls)).entries()) {
      expect({ code, kind }, `call ${index}`).to.deep.equal({
        code: 'ECANCELED',
        kind: NetworkErrorCode.ConnectionClosed,
      });
    }
    await closing;
    await socket.close();
    await other.close();
  });

  it('sendMany sends each to where it goes, in order', async () => {
    const [one, two, three] = (await sockets(3)) as [DatagramSocket, DatagramSocket, DatagramSocket];
    const list = Array.from({ length: 20 }, (_, number) => ({
      data: number % 3 === 0 ? String(number) : [Buffer.from(String(number))],
      to: (number % 2 === 0 ? two : three).endpoint,
    }));
    await one.sendMany(list);
    await one.sendMany([]);
    for (const [socket, first] of [
      [two, 0],
      [three, 1],
    ] as const) {
      for (let number = first; number < 20; number += 2) {
        const { data, remote } = await socket.receive();
        expect([String(data), remote]).to.deep.equal([String(number), one.endpoint]);
      }
    }
    expect((await failureOf(one.sendMany(list, { timeout: 0 }))).code).to.equal('ERR_OUT_OF_RANGE');
    const wrong = { data: Buffer.alloc(70_000), to: two.endpoint };
    expect((await failureOf(one.sendMany([wrong]))).code).to.be.oneOf(['ERR_OUT_OF_RANGE', 'EMSGSIZE']);
    await close([one, two, three]);
    expect((await failureOf(one.sendMany(list))).code).to.equal('ECANCELED');
  });

  for (const to of [null, undefined, '127.0.0.1']) {
    it(`${String(to)} is no destination, alone or in a list`, async () => {
      const socket = await fixture.network.bindUdp();
      const nowhere = to as unknown as Endpoint;
      expect((await failureOf(socket.send('x', nowhere))).code).to.equal('ERR_INVALID_ARG_TYPE');
      const list = [
        { data: 'x', to: socket.endpoint },
        { data: 'y', to: nowhere },
      ];
      expect((await failureOf(socket.sendMany(list))).code).to.equal('ERR_INVALID_ARG_TYPE');
      await socket.close();
    });
  }

  it('sendMany says what has failed, and sends the others', async () => {
    const one = await fixture.network.bindUdp({ host: '0.0.0.0' });
    const two = await fixture.network.bindUdp();
    const everybody = { address: '255.255.255.255', port: 9 };
    const failed = failureOf(
      one.sendMany([two.endpoint, everybody, two.endpoint].map((to, at) => ({ data: `${at}`, to }))),
    );
    expect([String((await two.receive()).data), String((await two.receive()).data)]).to.deep.equal(['0', '2']);
    expect((await failed).code).to.equal('EACCES');
    await close([one, two]);
  });

  it('refuses mistakes', async () => {
    const [socket] = (await sockets(1)) as [DatagramSocket];
    expect(await failureOf(fixture.network.bindUdp({ port: -1 }))).to.be.instanceOf(RangeError);
    expect((await failureOf(socket.request('x', socket.endpoint, { attempts: 0 }))).code).to.equal('ERR_OUT_OF_RANGE');
    expect((await failureOf(socket.receive({ timeout: 0 }))).code).to.equal('ERR_OUT_OF_RANGE');
    expect((await failureOf(fixture.network.bindUdp({ port: socket.port, exclusive: true }))).code).to.equal(
      'EADDRINUSE',
    );
    await socket.close();
  });
});
