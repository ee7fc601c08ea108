/** ready(): when it is a connection's turn to send. */
import { expect } from 'chai';
import type { Connection } from '../../src/promises/index.ts';
import { simulate } from '../../src/simulation/index.ts';
import { connected, failureOf, onEveryNetwork, type NetworkFixture } from '../support/networks.ts';

const MIB = 1024 * 1024;
/** More than systems buffer for a peer that does not read. */
const TOO_MUCH = 32 * MIB;

onEveryNetwork('promises: ready()', (fixture: NetworkFixture) => {
  it('is done where nothing waits, and sends nothing', async () => {
    const { server, client, served } = await connected(fixture);
    await client.ready();
    await client.ready({ timeout: 10_000 });
    await client.write('first');
    await client.close();
    expect(String(await served.readExactly(5))).to.equal('first');
    expect(await served.readExactly(1)).to.equal(null);
    await Promise.all([served.close(), server.close()]);
  });

  it('waits for what was written before, and what is written then comes behind it', async () => {
    const { server, client, served } = await connected(fixture);
    const log: string[] = [];
    const writing = client.write(Buffer.alloc(TOO_MUCH)).then(() => log.push('written'));
    const ready = client.ready().then(() => log.push('ready'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(log).to.deep.equal([]);
    await served.readExactly(TOO_MUCH);
    await Promise.all([writing, ready]);
    expect(log[1]).to.equal('ready');
    await client.write('behind');
    expect(String(await served.readExactly(6))).to.equal('behind');
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('that times out or is aborted leaves the connection as it was', async () => {
    const { server, client, served } = await connected(fixture);
    const writing = client.write(Buffer.alloc(TOO_MUCH));
    expect((await failureOf(client.ready({ timeout: 5 }))).code).to.equal('ETIMEDOUT');
    const controller = new AbortController();
    const aborted = failureOf(client.ready({ signal: controller.signal }));
    controller.abort();
    expect((await aborted).code).to.equal('ABORT_ERR');
    expect((await failureOf(client.ready({ signal: controller.signal }))).code).to.equal('ABORT_ERR');
    await served.readExactly(TOO_MUCH);
    await writing;
    await client.ready();
    await client.write('good');
    expect(String(await served.readExactly(4))).to.equal('good');
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('is rejected when the connection is closed, before and meanwhile', async () => {
    const { server, client, served } = await connected(fixture);
    const writing = failureOf(client.write(Buffer.alloc(TOO_MUCH)));
    const meanwhile = failureOf(client.ready());
    await client.reset();
    expect((await writing).code, 'the write').to.equal('ECANCELED');
    expect((await meanwhile).code, 'meanwhile').to.equal('ECANCELED');
    expect((await failureOf(client.ready())).code, 'afterwards').to.equal('ECANCELED');
    await Promise.all([served.reset(), server.close()]);
  });

  it('is rejected behind closeWrite()', async () => {
    const { server, client, served } = await connected(fixture);
    await client.closeWrite();
    expect((await failureOf(client.ready())).code).to.equal('EPIPE');
    await Promise.all([client.close(), served.close(), server.close()]);
  });
});

describe('promises: ready() of many connections', () => {
  it('comes to each in its turn, and what was made up until then goes out with one send', async () => {
    const COUNT = 200;
    const { listen, connect, pal, sleep, close } = simulate({ seed: 0 });
    const server = await listen({ backlog: COUNT });
    const sides: { client: Connection; served: Connection; waiting: string[] }[] = [];
    for (let index = 0; index < COUNT; index++) {
      sides.push({
        client: await connect({ port: server.port }),
        served: await server.accept(),
        waiting: [] as string[],
      });
    }
    await sleep(100);
    const sends = (): number => pal.stats().syscalls['WSASend'] ?? 0;
    const before = sends();
    const sent: Promise<void>[] = [];
    const publish = (text: string): void => {
      for (const side of sides) {
        if (side.waiting.push(text) > 1) continue;
        sent.push(side.client.ready().then(() => side.client.write(side.waiting.splice(0).join(''))));
      }
    };
    publish('a');
    publish('b');
    publish('c');
    for (const { served } of sides) expect(String(await served.readExactly(3))).to.equal('abc');
    await Promise.all(sent);
    expect(sends() - before).to.equal(COUNT);
    expect(pal.stats().sendsDeferred).to.be.at.least(COUNT - 64);
    await close();
  });
});
