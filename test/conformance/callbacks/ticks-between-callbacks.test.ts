/** ticksBetweenCallbacks: Node's process.nextTick queue and promise jobs run between any two callbacks. */
import { createHook } from 'node:async_hooks';
import { expect } from 'chai';
import { openRemote, type NetworkPal } from '../../../src/index.ts';
import { onEveryBed, type Bed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { accept, connect, pair, readExactly, serverOnUnclaimedPort, write } from '../../support/io.ts';
import { lookupIn } from '../../support/lookups.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { collectUncaught } from '../../support/uncaught.ts';

/** Calls of one kind in a row. */
const MANY = 8;

/** Sees every callback of the library through async_hooks, and whether the ticks of the one before had run. */
class Callbacks {
  /** Types of the callbacks, in their order. */
  readonly seen: string[] = [];
  /** Those that came before what the one before had left to ticks and promises. */
  readonly early: string[] = [];
  readonly #types = new Map<number, string>();
  #depth = 0;
  #ticksAreDue = false;
  readonly #hook = createHook({
    init: (id, type) => {
      if (type.startsWith('iocp-pal:') && type !== 'iocp-pal:loop') this.#types.set(id, type.slice('iocp-pal:'.length));
    },
    before: (id) => {
      const type = this.#types.get(id);
      // (A callback that comes more than once has a resource around that of each call.)
      if (type !== undefined && this.#depth++ === 0) this.#begin(type);
    },
    after: (id) => {
      if (this.#types.has(id)) this.#depth--;
    },
  }).enable();

  stop(): void {
    this.#hook.disable();
  }

  count(type: string): number {
    return this.seen.filter((each) => each === type).length;
  }

  #begin(type: string): void {
    this.seen.push(type);
    if (this.#ticksAreDue) this.early.push(`${type} behind ${this.seen.at(-2)}`);
    this.#ticksAreDue = true;
    process.nextTick(() => {
      void Promise.resolve().then(() => {
        this.#ticksAreDue = false;
      });
    });
  }
}

onEveryBed('ticks between callbacks', (bed) => {
  describe('with ticksBetweenCallbacks', () => {
    const fixture = sharedPal(bed, { ticksBetweenCallbacks: true });
    let callbacks: Callbacks;
    beforeEach(() => {
      callbacks = new Callbacks();
    });
    afterEach(() => callbacks.stop());
    const apart = (types: Record<string, number>): void => {
      expect(callbacks.early).to.deep.equal([]);
      for (const [type, least] of Object.entries(types)) expect(callbacks.count(type), type).to.be.at.least(least);
    };

    it('run between those of writes that one send has carried, which keep their order', async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const outcomes = new Outcomes();
      const expected: string[] = [];
      for (let count = 0; count < MANY; count++) {
        pal.asyncWrite(client, seededBytes(100), outcomes.expect(`write ${count}`));
        expected.push(`write ${count} ok`);
      }
      pal.asyncDrain(client, 0, outcomes.expect('drain'));
      await Promise.all([outcomes.settled(bed), readExactly(pal, served, MANY * 100)]);
      expect(outcomes.log).to.deep.equal([...expected, 'drain ok']);
      apart({ write: MANY, drain: 1 });
    });

    it("run between a file's progress and its end", async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const outcomes = new Outcomes();
      const file = bed.putFile('ticks', seededBytes(300_000));
      const onProgress = (): void => undefined;
      pal.asyncSendFile(client, file, { onProgress }, outcomes.expect('file'));
      pal.asyncWrite(client, seededBytes(10), outcomes.expect('write'));
      await Promise.all([outcomes.settled(bed), readExactly(pal, served, 300_010)]);
      apart({ sendFile: 2, write: 1 });
    });

    it('run between the answers to calls on a socket that is closed, the last of which is that to the close', async () => {
      const { pal } = fixture;
      const { client } = await pair(pal);
      const outcomes = await closeWithReads(pal, client, bed);
      expect(outcomes.log.at(-1)).to.equal('close ok');
      apart({ read: MANY, close: 1 });
    });

    it('run between accepts, connects, and reads of many connections', async () => {
      const { pal } = fixture;
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: MANY });
      const both = await Promise.all(
        Array.from({ length: MANY }, () =>
          Promise.all([connect(pal, '127.0.0.1', server.port), accept(pal, server.handle)]),
        ),
      );
      const reads = both.map(([, { socket }]) => readExactly(pal, socket, 10));
      await Promise.all(both.map(([client]) => write(pal, client, seededBytes(10))));
      await Promise.all(reads);
      apart({ accept: MANY, connect: MANY, read: MANY, write: MANY });
    });

    it('run between the attempts of a connect by name and its end', async () => {
      const { pal } = fixture;
      const server = serverOnUnclaimedPort(pal);
      const { lookup } = lookupIn({ 4: ['127.0.0.2', '127.0.0.1'] });
      await connect(pal, 'ticks.test', server.port, { lookup, onAttempt: () => undefined });
      apart({ connect: 3 });
    });

    for (const receiveDepth of [1, MANY])
      it(`run between datagrams, with ${receiveDepth} receives posted`, async () => {
        const { pal } = fixture;
        const socket = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth });
        const outcomes = new Outcomes();
        for (let count = 0; count < MANY; count++) {
          pal.asyncReceiveFrom(socket.handle, Buffer.alloc(10), 10, outcomes.expect(`receive ${count}`));
          pal.asyncSendTo(socket.handle, seededBytes(10), socket, outcomes.expect(`send ${count}`));
        }
        await outcomes.settled(bed);
        apart({ receive: MANY, send: MANY });
      });

    it('run between posts of another thread, where there is a port to post to', async function () {
      if (bed.name.startsWith('wsapoll')) return this.skip();
      const options = bed.oneProcess?.() ?? {};
      const pal = bed.create({ ...options, strict: true, ticksBetweenCallbacks: true });
      pal.initialize();
      const running = pal.runEventLoop();
      const outcomes = new Outcomes();
      const heard = Array.from({ length: MANY }, (_, count) => outcomes.expect(`post ${count}`));
      const id = pal.onRemotePost(() => heard.shift()?.());
      const remote = openRemote(pal.remote(), options);
      for (let count = 0; count < MANY; count++) remote.post(id, seededBytes(1));
      await outcomes.settled(bed);
      await pal.stopEventLoop();
      await running;
      apart({ remotePost: MANY });
    });

    it('run between calls of two watches that are always ready, which take turns', async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const order: string[] = [];
      await new Promise<void>((resolve) => {
        for (const [name, socket] of [
          ['client', client],
          ['served', served],
        ] as const) {
          pal.watch(socket, { writable: true }, () => {
            order.push(name);
            if (order.length >= MANY) resolve();
          });
        }
      });
      pal.unwatch(client);
      pal.unwatch(served);
      expect(order.filter((name) => name === 'client').length).to.be.within(MANY / 2 - 1, MANY / 2 + 1);
      apart({ watch: MANY });
    });

    it('are no reason to lose a callback when the one before throws', async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const outcomes = new Outcomes();
      const expected: string[] = [];
      const thrown = await collectUncaught(async () => {
        for (let count = 0; count < MANY; count++) {
          const done = outcomes.expect(`write ${count}`);
          expected.push(`write ${count} ok`);
          pal.asyncWrite(client, seededBytes(1), (error) => {
            done(error);
            throw new Error(`thrown by ${count}`);
          });
        }
        await Promise.all([outcomes.settled(bed), readExactly(pal, served, MANY)]);
      });
      expect(outcomes.log).to.deep.equal(expected);
      expect(thrown.map(({ message }) => message)).to.deep.equal(expected.map((_, count) => `thrown by ${count}`));
    });
  });

  describe('without it', () => {
    const fixture = sharedPal(bed);

    it('wait for the callbacks of the turn', async () => {
      const { pal } = fixture;
      const { client } = await pair(pal);
      const callbacks = new Callbacks();
      await closeWithReads(pal, client, bed);
      callbacks.stop();
      expect(callbacks.early).to.include('read behind read');
    });
  });
});

async function closeWithReads(
  pal: NetworkPal,
  client: Parameters<NetworkPal['closeSocket']>[0],
  bed: Bed,
): Promise<Outcomes> {
  const outcomes = new Outcomes();
  for (let count = 0; count < MANY; count++) {
    pal.asyncRead(client as never, Buffer.alloc(1), 1, outcomes.expect(`read ${count}`));
  }
  pal.closeSocket(client, outcomes.expect('close'));
  await outcomes.settled(bed);
  return outcomes;
}
