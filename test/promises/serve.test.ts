/** server.serve(): a handler for each connection. */
import { expect } from 'chai';
import { once } from 'node:events';
import process from 'node:process';
import type { Connection } from '../../src/promises/index.ts';
import { failureOf, onEveryNetwork } from '../support/networks.ts';
import { until } from '../support/until.ts';

async function echo(connection: Connection): Promise<void> {
  for await (const chunk of connection) await connection.write(chunk);
}

onEveryNetwork('promises: serve()', (fixture) => {
  it('serves many connections at a time, closes each behind its handler, and is done when the server is closed', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const serving = server.serve(echo);
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const client = await network.connect({ port: server.port });
        await client.write(`client ${index}`);
        await client.closeWrite();
        const chunks: Buffer[] = [];
        for await (const chunk of client) chunks.push(chunk);
        expect(Buffer.concat(chunks).toString()).to.equal(`client ${index}`);
        await client.close();
      }),
    );
    await server.close();
    await serving;
    expect(server.connections).to.equal(0);
  });

  it('serves no more than maxConnections at a time; the others wait', async () => {
    const { network } = fixture;
    const server = await network.listen();
    let now = 0;
    let most = 0;
    const serving = server.serve(
      async (connection) => {
        most = Math.max(most, ++now);
        await echo(connection);
        now--;
      },
      { maxConnections: 2 },
    );
    const clients = await Promise.all(Array.from({ length: 5 }, () => network.connect({ port: server.port })));
    for (const client of clients) await client.write('x');
    await until(
      () => now === 2,
      () => `two to be served, not ${now}`,
    );
    let served = 0;
    await Promise.all(
      clients.map(async (client) => {
        expect(String(await client.readExactly(1))).to.equal('x');
        served++;
        await client.close();
      }),
    );
    expect([served, most]).to.deep.equal([5, 2]);
    await server.close();
    await serving;
  });

  it('tells onError what a handler is rejected with, resets that connection, and goes on', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const errors: unknown[] = [];
    const serving = server.serve(
      async (connection) => {
        if (String(await connection.readExactly(1)) === 'x') throw new Error('no x');
        await connection.write('fine');
      },
      { onError: (error, connection) => errors.push((error as Error).message, connection.remote.port) },
    );
    const bad = await network.connect({ port: server.port });
    await bad.write('x');
    expect((await failureOf(bad.readExactly(1))).code).to.equal('ECONNRESET');
    const good = await network.connect({ port: server.port });
    await good.write('y');
    expect(String(await good.readExactly(4))).to.equal('fine');
    expect(errors).to.deep.equal(['no x', bad.local.port]);
    await Promise.all([bad.close(), good.close(), server.close()]);
    await serving;
  });

  it('lets a close that came from elsewhere send what was written, although the handler is rejected for it', async () => {
    const server = await fixture.network.listen();
    const errors: unknown[] = [];
    const taken: Connection[] = [];
    const handler = async (connection: Connection): Promise<void> => {
      taken.push(connection);
      await echo(connection);
    };
    const serving = server.serve(handler, { onError: (error) => errors.push(error) });
    const client = await fixture.network.connect({ port: server.port });
    await until(
      () => taken.length === 1,
      () => 'the connection',
    );
    const sent = Buffer.alloc(4_000_000, 7); // more than the system takes at once
    const writing = taken[0]!.write(sent);
    const closing = taken[0]!.close();
    const got: Buffer[] = [];
    for await (const chunk of client) got.push(chunk);
    expect(Buffer.concat(got).equals(sent)).to.equal(true);
    await Promise.all([writing, closing, client.close(), server.close(), serving]);
    expect(errors).to.deep.equal([]);
  });

  it('warns of a handler that failed when nobody asks, and says nothing of a peer that went away', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const serving = server.serve(async (connection) => {
      if (String(await connection.readExactly(1)) === 'x') throw new Error('nobody asked');
      await connection.readExactly(1);
    });
    const warned = once(process, 'warning') as Promise<[Error & { code?: string }]>;
    const gone = await network.connect({ port: server.port });
    await gone.write('y');
    await gone.reset();
    const bad = await network.connect({ port: server.port });
    await bad.write('x');
    const [{ message, code }] = await warned;
    expect(message).to.match(/^A handler of serve\(\) failed: Error: nobody asked\n/);
    expect(code).to.equal('IOCP_PAL_HANDLER_FAILED');
    await Promise.all([bad.close(), server.close()]);
    await serving;
  });

  it('is ended by its signal; what is served then ends by itself or is reset', async () => {
    const { network } = fixture;
    const controller = new AbortController();
    const server = await network.listen();
    const told: unknown[] = [];
    const serving = server.serve(echo, { signal: controller.signal, onError: (error) => told.push(error) });
    const client = await network.connect({ port: server.port });
    await client.write('x');
    expect(String(await client.readExactly(1))).to.equal('x');
    controller.abort();
    await until(
      () => server.isClosed,
      () => 'the server to be closed',
    );
    await client.write('y');
    expect(String(await client.readExactly(1)), 'it is served to its end').to.equal('y');
    await client.close();
    await serving;
    expect(told).to.deep.equal([]);
    await server.serve(echo, { signal: controller.signal }); // of a server that is closed: nothing to do
  });

  it('resets what is served when the deadline of close() is over, and nobody is told', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const told: unknown[] = [];
    const serving = server.serve(echo, { onError: (error) => told.push(error) });
    const client = await network.connect({ port: server.port });
    await client.write('x');
    expect(String(await client.readExactly(1))).to.equal('x');
    const reading = failureOf(client.readExactly(1));
    await server.close({ timeout: 20 });
    expect((await reading).code).to.equal('ECONNRESET');
    await serving;
    expect(told).to.deep.equal([]);
    await client.close();
  });

  it('is rejected with what onError throws, once the server is closed', async () => {
    const { network } = fixture;
    const server = await network.listen();
    const serving = failureOf(
      server.serve(
        async (connection) => {
          await connection.readExactly(1);
          throw new Error('first');
        },
        {
          onError: (error) => {
            throw new Error(`refused: ${(error as Error).message}`);
          },
        },
      ),
    );
    const client = await network.connect({ port: server.port });
    await client.write('x');
    expect((await serving).message).to.equal('refused: first');
    expect(server.isClosed).to.equal(true);
    await client.close();
  });

  it('refuses mistakes', async () => {
    const server = await fixture.network.listen();
    expect((await failureOf(server.serve(5 as never))).code).to.equal('ERR_INVALID_ARG_TYPE');
    expect((await failureOf(server.serve(echo, { maxConnections: 0 }))).code).to.equal('ERR_OUT_OF_RANGE');
    await server.close();
  });
});
