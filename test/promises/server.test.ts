/** Listening and connecting with promises. */
import { expect } from 'chai';
import { NetworkErrorCode, type AttemptCallback } from '../../src/index.ts';
import { failureOf, onEveryNetwork } from '../support/networks.ts';

onEveryNetwork('promises: a server', (fixture) => {
  it('gives its connections to an iteration, until it is closed', async () => {
    const { network } = fixture;
    const server = await network.listen({ noDelay: true });
    const texts: string[] = [];
    const serving = (async () => {
      for await (const connection of server) {
        texts.push(String(await connection.readExactly(1)));
        await connection.close();
      }
    })();
    for (const text of ['a', 'b', 'c']) {
      const client = await network.connect({ port: server.port });
      await client.write(text);
      expect(await client.readExactly(1), 'the peer ends').to.equal(null);
      await client.close();
    }
    await server.close();
    await serving;
    expect(texts.sort()).to.deep.equal(['a', 'b', 'c']);
  });

  it('refuses connections once it is closed', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const { port } = server;
    await server.close();
    const { code, kind } = await failureOf(network.connect({ port }));
    expect({ code, kind }).to.deep.equal({ code: 'ECONNREFUSED', kind: NetworkErrorCode.ConnectionRefused });
  });

  it('answers accepts that are pending when it is closed, and later ones', async () => {
    const server = await fixture.network.listen();
    const accepting = [failureOf(server.accept()), failureOf(server.accept())];
    const closing = server.close();
    accepting.push(failureOf(server.accept()));
    for (const { code, kind } of await Promise.all(accepting)) {
      expect({ code, kind }).to.deep.equal({ code: 'ECANCELED', kind: NetworkErrorCode.ConnectionClosed });
    }
    await closing;
  });

  it('loses no connection to an accept that is aborted or times out', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const controller = new AbortController();
    const aborted = failureOf(server.accept({ signal: controller.signal }));
    const late = failureOf(server.accept({ timeout: 1 }));
    controller.abort(new Error('no more'));
    expect((await aborted).code).to.equal('ABORT_ERR');
    expect(((await aborted).cause as Error).message).to.equal('no more');
    expect((await late).code).to.equal('ETIMEDOUT');
    const client = await network.connect({ port: server.port });
    const served = await server.accept();
    expect(served.remote).to.deep.equal(client.local);
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('is closed by an iteration that is left early', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const client = await network.connect({ port: server.port });
    for await (const connection of server) {
      void connection.close();
      break;
    }
    expect(server.isClosed).to.equal(true);
    await client.close();
  });

  it('waits for its connections when it is closed, and resets those that are left', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const first = await network.connect({ port: server.port });
    const second = await network.connect({ port: server.port });
    const served = [await server.accept(), await server.accept()];
    expect(server.connections).to.equal(2);
    const reading = failureOf(second.readExactly(1));
    const closing = server.close({ timeout: 50 });
    await served.find(({ remote }) => remote.port === first.local.port)?.close();
    expect(await first.readExactly(1)).to.equal(null);
    await closing;
    expect((await reading).code).to.equal('ECONNRESET');
    expect(server.connections).to.equal(0);
    await Promise.all([first.close(), second.close()]);
  });

  it('says that somebody else has the address', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const { code, kind } = await failureOf(network.listen({ port: server.port }));
    expect({ code, kind }).to.deep.equal({ code: 'EADDRINUSE', kind: NetworkErrorCode.AddressInUse });
    await server.close();
  });

  it('connects to a name', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const lookup = ((_name: string, _options: object, callback: (error: null, found: object[]) => void) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }])) as never;
    const client = await network.connect({ host: 'media.example', port: server.port, lookup });
    const served = await server.accept();
    expect(client.remote.address).to.equal('127.0.0.1');
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('tells which of the addresses of a name are tried', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const lookup = ((
      _name: string,
      { family }: { family?: number },
      callback: (error: null, found: object[]) => void,
    ) =>
      callback(
        null,
        family === 6 ? [] : ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 })),
      )) as never;
    const told: unknown[] = [];
    const onAttempt: AttemptCallback = (error, peer) => told.push(error, peer);
    const client = await network.connect({ host: 'media.example', port: server.port, lookup, onAttempt });
    expect(told).to.deep.equal([null, { address: '127.0.0.1', port: server.port, family: 4 }]);
    await client.close();
    await server.close();
  });

  it('takes back a connect whose signal is aborted', async () => {
    const controller = new AbortController();
    controller.abort();
    const { signal } = controller;
    expect((await failureOf(fixture.network.connect({ port: 9, signal }))).code).to.equal('ABORT_ERR');
  });

  it('rejects mistakes', async () => {
    const { network } = fixture;
    expect(await failureOf(network.listen({ port: 70_000 }))).to.be.instanceOf(RangeError);
    expect(await failureOf(network.connect({ port: 70_000 }))).to.be.instanceOf(RangeError);
    for (const wrong of [null, 7007, 'localhost:7007'] as never[]) {
      for (const call of [network.listen, network.connect, network.bindUdp]) {
        expect(await failureOf(call(wrong))).to.include({ code: 'ERR_INVALID_ARG_TYPE' });
      }
    }
  });
});
