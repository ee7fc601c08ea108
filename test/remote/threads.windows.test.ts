/** Loops in several threads on real completion ports, and submissions from one to another. */
import { expect } from 'chai';
import type { Worker } from 'node:worker_threads';
import { createNetworkPal, openRemote, type NetworkPal } from '../../src/index.ts';
import { wsapoll } from '../../src/wsapoll/index.ts';
import { iocpInline, iocpSkipping, iocpWorker, type Bed } from '../support/beds.ts';
import { thrownBy } from '../support/errors.ts';
import { accept, close, connect, readExactly, readToEnd, write } from '../support/io.ts';
import { testPal } from '../support/pal-fixture.ts';
import { startThread } from '../support/thread.ts';
import { until } from '../support/until.ts';
import type { LoopMessage, LoopTask } from './children/loop.ts';
import type { SubmitterTask } from './children/submitter.ts';

/** A thread with a loop, and what it says. */
class LoopThread {
  readonly worker: Worker;
  readonly messages: LoopMessage[] = [];
  readonly exited: Promise<number>;

  constructor(task: LoopTask) {
    this.worker = startThread(new URL('children/loop', import.meta.url), task);
    this.worker.on('message', (message: LoopMessage) => this.messages.push(message));
    this.exited = new Promise((resolve, reject) => {
      this.worker.once('exit', resolve);
      this.worker.once('error', reject);
    });
  }

  /** The nth message of a kind, from 0. */
  async said<What extends LoopMessage['what']>(what: What, nth = 0): Promise<LoopMessage & { what: What }> {
    const of = (): LoopMessage[] => this.messages.filter((message) => message.what === what);
    await until(
      () => of().length > nth,
      () => `'${what}' from the thread, which said ${JSON.stringify(this.messages)}`,
    );
    return of()[nth] as LoopMessage & { what: What };
  }
}

describe('remote: submissions from other threads', () => {
  const threads: LoopThread[] = [];
  const submitters: Worker[] = [];
  const startLoop = (task: LoopTask): LoopThread => {
    const thread = new LoopThread(task);
    threads.push(thread);
    return thread;
  };
  afterEach(async () => {
    for (const { worker } of threads.splice(0)) await worker.terminate();
    for (const worker of submitters.splice(0)) await worker.terminate();
  });

  for (const bed of [iocpWorker, iocpInline, iocpSkipping] satisfies Bed[]) {
    describe(bed.name, () => {
      const fixture = testPal(bed);

      it('two threads write, post and close: nothing is lost, each in its order', async () => {
        const { pal } = fixture;
        const count = 3000;
        const server = pal.createServer('127.0.0.1', 0);
        const heard: number[][] = [[], []];
        const runs = [0, 1].map(async (index) => {
          const [client, { socket }] = await Promise.all([
            connect(pal, '127.0.0.1', server.port),
            accept(pal, server.handle),
          ]);
          const post = pal.onRemotePost((message) => heard[index]!.push(Buffer.from(message).readUInt32BE(0)));
          const task: SubmitterTask = { remote: pal.remote(), socket, post, count };
          const worker = startThread(new URL('children/submitter', import.meta.url), task);
          submitters.push(worker);
          const failed = new Promise((_, reject) => worker.once('error', reject));
          const bytes = await Promise.race([readToEnd(pal, client), failed]);
          pal.offRemotePost(post);
          return bytes as Buffer;
        });
        for (const bytes of await Promise.all(runs)) {
          expect(bytes.length).to.equal(4 * count);
          for (let number = 0; number < count; number++) expect(bytes.readUInt32BE(number * 4)).to.equal(number);
        }
        const numbers = Array.from({ length: count }, (_, number) => number);
        expect(heard).to.deep.equal([numbers, numbers]);
        const { remoteRecords, remoteWakes } = pal.stats();
        expect(remoteRecords).to.equal(2 * (2 * count + 1));
        expect(remoteWakes).to.be.below(remoteRecords);
      });
    });
  }

  for (const waiter of ['worker', 'inline'] as const) {
    describe(`a loop in a thread, ${waiter}`, () => {
      const fixture = testPal(iocpSkipping);
      const talk = async (pal: NetworkPal, port: number): Promise<ReturnType<typeof connect>> => {
        const client = await connect(pal, '127.0.0.1', port);
        await write(pal, client, Buffer.from('hello'));
        expect((await readExactly(pal, client, 5)).toString()).to.equal('hello');
        return client;
      };

      it('serves, takes submissions, stops when told to, and its thread ends', async () => {
        const { pal } = fixture;
        const thread = startLoop({ waiter, end: 'naturally' });
        const { remote: token, port, post } = await thread.said('ready');
        const remote = openRemote(token);
        const client = await talk(pal, port);
        const { socket } = await thread.said('accepted');
        remote.post(post, Buffer.from('a message'));
        expect((await thread.said('posted')).text).to.equal('a message');
        remote.write(socket, Buffer.from('from another thread'));
        remote.stop();
        expect((await readToEnd(pal, client)).toString()).to.equal('from another thread');
        await thread.said('stopped');
        expect(await thread.exited).to.equal(0);
        expect(thrownBy(() => remote.post(post)).code).to.equal('ERR_EVENT_LOOP_STOPPED');
      });

      it('gets an error for a socket that has closed', async () => {
        const { pal } = fixture;
        const thread = startLoop({ waiter, end: 'exit' });
        const { remote: token, port } = await thread.said('ready');
        const remote = openRemote(token);
        await close(pal, await talk(pal, port));
        const { socket } = await thread.said('accepted');
        remote.close(socket);
        remote.write(socket, Buffer.from('late'));
        expect((await thread.said('failed')).code).to.equal('ECANCELED');
        remote.stop();
        expect(await thread.exited).to.equal(5);
      });

      it('can be terminated while it waits, and while it spins', async () => {
        const { pal } = fixture;
        for (const spins of [false, true]) {
          const thread = startLoop({ waiter, end: 'naturally' });
          const { remote: token, port, post } = await thread.said('ready');
          await talk(pal, port);
          if (spins) openRemote(token).post(post, Buffer.from('spin'));
          await thread.worker.terminate(); // it does not hang
        }
      });
    });
  }

  it('is refused by the WSAPoll backend', () => {
    const pal = createNetworkPal({ backend: wsapoll });
    pal.initialize();
    expect(thrownBy(() => pal.remote()).code).to.equal('ERR_NOT_SUPPORTED');
    return pal.stopEventLoop();
  });
});
