/** simulate(): iocp-pal/promises in simulated time, which nobody has to move. */
import { expect } from 'chai';
import { createNetworkPal } from '../../src/index.ts';
import { simulate, simulateNetwork, type Simulation } from '../../src/simulation/index.ts';
import { thrownBy } from '../support/errors.ts';
import { failureOf } from '../support/networks.ts';
import { collectUncaught } from '../support/uncaught.ts';

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);
const AN_HOUR_MS = 3_600_000;

/** A connection that is left in silence. */
async function silence({ listen, connect }: Simulation) {
  const server = await listen();
  const client = await connect({ port: server.port });
  return { client, served: await server.accept() };
}

describe('simulate()', () => {
  for (const [what, options, code, says] of [
    ['no object', null, 'ERR_INVALID_ARG_TYPE', /options: it must be an object/],
    ['a seed that is no number', { seed: 'x' }, 'ERR_INVALID_ARG_TYPE', /seed: it must be a number/],
    ['a seed that is no integer', { seed: 1.5 }, 'ERR_OUT_OF_RANGE', /seed 1.5/],
    ['hosts that are none', { hosts: 5 }, 'ERR_INVALID_ARG_TYPE', /hosts: it must be/],
    [
      'a host with one address instead of a list',
      { hosts: { a: '::1' } },
      'ERR_INVALID_ARG_TYPE',
      /hosts\['a'\]: .* array/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      const error = thrownBy(() => simulate(options as never));
      expect(error).to.include({ code });
      expect(error.message).to.match(says);
    });
  }

  it('gives listen and connect, with every seed', async () => {
    const pieces = new Set<number>();
    for (const seed of SEEDS) {
      const { listen, connect, close } = simulate({ seed });
      const server = await listen({ port: 7007 });
      const serving = server.serve(async (connection) => {
        await connection.readExactly(1);
        await connection.write('hello, hello');
      });
      const client = await connect({ port: 7007 });
      await client.write('?');
      const chunks: Buffer[] = [];
      for await (const chunk of client) chunks.push(chunk);
      expect(String(Buffer.concat(chunks)), `seed ${seed}`).to.equal('hello, hello');
      pieces.add(chunks.length);
      await close();
      await serving;
    }
    expect(pieces.size, 'some seeds deliver in pieces').to.be.greaterThan(1);
  });

  it('does the same again with the same seed, and something else with another', async () => {
    const run = async (seed: number): Promise<string> => {
      const simulation = simulate({ seed, trace: true });
      const { client, served } = await silence(simulation);
      const echoing = (async () => {
        for await (const chunk of served) await served.write(chunk);
        await served.close();
      })();
      await client.write(Buffer.alloc(10_000));
      await client.readExactly(10_000, { timeout: AN_HOUR_MS });
      await simulation.sleep(5);
      await client.close();
      await echoing;
      await simulation.close();
      return simulation.platform.network.trace();
    };
    const first = await run(3);
    expect(await run(3)).to.equal(first);
    expect(await run(4)).not.to.equal(first);
  });

  it('lets an hour pass at once when nothing else can happen, and exactly one', async () => {
    const simulation = simulate();
    const { client } = await silence(simulation);
    const before = simulation.now();
    expect((await failureOf(client.read(Buffer.alloc(1), { timeout: AN_HOUR_MS }))).code).to.equal('ETIMEDOUT');
    expect(simulation.now() - before).to.be.within(AN_HOUR_MS, AN_HOUR_MS + 10);
    await simulation.close();
  });

  it('wakes sleepers in order, and lets no time pass while anything else can happen', async () => {
    const simulation = simulate();
    const { client, served } = await silence(simulation);
    const order: string[] = [];
    const before = simulation.now();
    const late = simulation.sleep(20).then(() => order.push(`late, ${simulation.now() - before} ms`));
    const soon = simulation.sleep(10).then(() => order.push(`soon, ${simulation.now() - before} ms`));
    await client.write('x');
    await served.readExactly(1);
    order.push(`read, ${simulation.now() - before} ms`);
    await Promise.all([late, soon]);
    expect(order).to.deep.equal(['read, 0 ms', 'soon, 10 ms', 'late, 20 ms']);
    expect(() => simulation.sleep(-1)).to.throw(RangeError);
    await simulation.close();
  });

  it('knows localhost and the names that it is told, and no others', async () => {
    const { listen, connect, close } = simulate({ hosts: { 'Db.test': ['192.0.2.1', '127.0.0.1'] } });
    const server = await listen();
    for (const host of ['localhost', 'db.test', 'DB.TEST']) {
      const client = await connect({ host, port: server.port, attemptDelay: 100 });
      expect(client.remote.address, host).to.equal('127.0.0.1');
    }
    const { code, message } = await failureOf(connect({ host: 'example.com', port: server.port }));
    expect(code).to.equal('ENOTFOUND');
    expect(message).to.include('simulate() knows no such name');
    await close();
  });

  it('asks the resolver of the caller where he brings one', async () => {
    const { listen, connect, close } = simulate();
    const server = await listen();
    const asked: string[] = [];
    const client = await connect({
      host: 'anywhere.test',
      port: server.port,
      lookup: (name, { family }, callback) => {
        asked.push(name);
        callback(null, family === 4 ? [{ address: '127.0.0.1', family: 4 }] : []);
      },
    });
    expect(client.remote.address).to.equal('127.0.0.1');
    expect(asked).to.include('anywhere.test');
    await close();
  });

  it('repeats requests over a network that loses datagrams', async () => {
    const attempts = new Set<number>();
    for (const seed of SEEDS) {
      const { bindUdp, close } = simulate({ seed, datagrams: { lose: 3 } });
      const [server, client] = [await bindUdp(), await bindUdp()];
      let asked = 0;
      const answering = (async () => {
        for await (const { data, remote } of server) {
          asked++;
          await server.send(data, remote);
        }
      })();
      const { data } = await client.request('hello', server.endpoint, { attempts: 50 });
      expect(String(data), `seed ${seed}`).to.equal('hello');
      attempts.add(asked);
      await close();
      await answering;
    }
    expect(Math.max(...attempts), 'some had to ask again').to.be.greaterThan(1);
  });

  it('gives several processes on one network', async () => {
    const network = simulateNetwork({ seed: 5 });
    const [one, two] = [simulate({ network }), simulate({ network })];
    const server = await one.listen();
    const client = await two.connect({ port: server.port });
    await client.write('from the other one');
    const served = await server.accept();
    expect(String(await served.readExactly(18))).to.equal('from the other one');
    await one.close();
    expect((await failureOf(client.read(Buffer.alloc(1)))).code, 'closing resets').to.equal('ECONNRESET');
    await two.close();
  });

  it('ends loops and pending calls in order when it is closed, and leaves nothing', async () => {
    const simulation = simulate();
    const { listen, bindUdp } = simulation;
    const { client } = await silence(simulation);
    const [server, socket] = [await listen(), await bindUdp()];
    const loops = [server.serve(() => undefined), drain(server), drain(socket)];
    const reading = failureOf(client.readExactly(1));
    const accepting = failureOf(server.accept());
    await simulation[Symbol.asyncDispose]();
    await Promise.all(loops);
    expect([(await reading).code, (await accepting).code]).to.deep.equal(['ECANCELED', 'ECANCELED']);
    expect(simulation.platform.openHandles).to.equal(0);
    await simulation.close();
  });

  it('says by an exception that something goes round in circles, and rests then', async () => {
    const thrown = await collectUncaught(async () => {
      const simulation = simulate({ maxSteps: 500 });
      const { client, served } = await silence(simulation);
      void echo(client);
      void echo(served);
      await client.write('for ever');
      for (let turn = 0; turn < 2000; turn++) await new Promise(setImmediate);
    });
    expect(thrown.map(String)).to.deep.equal([
      'SimulationError: No end after 500 steps: something goes round in circles',
    ]);
  });
});

describe('a network whose time leaps', () => {
  it('rests when nothing but a timer comes again and again, and goes on with the next call', async () => {
    const network = simulateNetwork();
    const platform = network.platform({ keepAlive: true });
    network.drive(Infinity);
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      platform.scheduler.setTimer(1000, tick);
    };
    tick();
    let before = -1;
    while (before !== ticks) {
      before = ticks;
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    }
    expect(ticks).to.be.greaterThan(1000);
    const pal = createNetworkPal({ platform });
    pal.initialize();
    const running = pal.runEventLoop();
    await pal.stopEventLoop();
    await running;
    expect(platform.openHandles).to.equal(0);
  });
});

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}

async function echo(connection: AsyncIterable<Buffer> & { write(data: Buffer): Promise<void> }): Promise<void> {
  for await (const chunk of connection) await connection.write(chunk);
}
