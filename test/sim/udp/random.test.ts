/**
 * Random traffic between UDP sockets on the simulated platform: every callback exactly once and before the close callback,
 * every datagram one that was sent, and in order where the network keeps it.
 */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type UdpHandle, type UdpSocket } from '../../../src/index.ts';
import { simulateNetwork, type FaultOptions, type NetworkOptions, type ProfileName } from '../../../src/sim/index.ts';
import { Prng } from '../../../src/sim/schedule/prng.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const SOCKETS = 3;
const ACTIONS = 60;

interface Story {
  readonly sent: Map<string, string[]>;
  readonly got: Map<string, string[]>;
  readonly owed: Map<UdpHandle, number>;
  readonly closed: Set<UdpHandle>;
  failures: number;
}

class RandomTraffic {
  readonly story: Story = { sent: new Map(), got: new Map(), owed: new Map(), closed: new Set(), failures: 0 };
  readonly #pal: NetworkPal;
  readonly #prng: Prng;
  readonly #sockets: UdpSocket[];
  #count = 0;

  constructor(pal: NetworkPal, seed: number) {
    this.#pal = pal;
    this.#prng = new Prng(seed);
    this.#sockets = Array.from({ length: SOCKETS }, () =>
      pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: 1 + this.#below(4) }),
    );
  }

  act(): void {
    const socket = this.#sockets[this.#below(SOCKETS)];
    if (socket === undefined || this.story.closed.has(socket.handle)) return;
    const what = this.#below(20);
    if (what < 9) this.#send(socket);
    else if (what < 19) this.#receive(socket);
    else if (this.#below(4) === 0) this.close(socket);
  }

  /** Takes what is left, and closes everything. */
  end(run: () => void): void {
    for (const socket of this.#sockets) {
      for (let left = ACTIONS; left > 0 && !this.story.closed.has(socket.handle); left--) this.#receive(socket);
    }
    run();
    for (const socket of this.#sockets) this.close(socket);
    run();
  }

  close(socket: UdpSocket): void {
    if (this.story.closed.has(socket.handle)) return;
    this.story.closed.add(socket.handle);
    this.#pal.closeSocket(socket.handle, () => {
      expect(this.story.owed.get(socket.handle) ?? 0, 'callbacks after the close callback').to.equal(0);
    });
  }

  #send(from: UdpSocket): void {
    const to = this.#sockets[this.#below(SOCKETS)];
    if (to === undefined) return;
    const path = `${from.port}>${to.port}`;
    const text = `${path} ${this.#count++} ${'.'.repeat(this.#below(700))}`;
    if (this.#below(3) === 0 && this.#pal.trySendTo(from.handle, Buffer.from(text), to) === text.length) {
      push(this.story.sent, path, text);
      return;
    }
    const done = this.#owe(from.handle);
    this.#pal.asyncSendTo(from.handle, Buffer.from(text), to, (error) => {
      done();
      if (error === null) push(this.story.sent, path, text);
      else this.story.failures++;
    });
  }

  #receive(at: UdpSocket): void {
    if (this.#below(3) === 0) return this.#receiveBatch(at);
    const buffer = Buffer.alloc(1000);
    const done = this.#owe(at.handle);
    this.#pal.asyncReceiveFrom(at.handle, buffer, 1000, (error, bytes, peer) => {
      done();
      if (error === null) push(this.story.got, `${peer.port}>${at.port}`, buffer.toString('latin1', 0, bytes));
      else if (error.code !== 'ECANCELED') this.story.failures++;
    });
  }

  #receiveBatch(at: UdpSocket): void {
    const done = this.#owe(at.handle);
    this.#pal.asyncReceiveBatch(at.handle, (error, batch) => {
      done();
      expect(batch.count === 0).to.equal(error !== null);
      for (let index = 0; index < batch.count; index++) {
        push(this.story.got, `${batch.peer(index).port}>${at.port}`, batch.view(index).toString('latin1'));
      }
      if (error !== null && error.code !== 'ECANCELED') this.story.failures++;
    });
  }

  #owe(handle: UdpHandle): () => void {
    const { owed } = this.story;
    let called = false;
    owed.set(handle, (owed.get(handle) ?? 0) + 1);
    return () => {
      expect(called, 'called a second time').to.equal(false);
      called = true;
      owed.set(handle, (owed.get(handle) ?? 0) - 1);
    };
  }

  #below(count: number): number {
    return this.#prng.next() % count;
  }
}

function push(lists: Map<string, string[]>, key: string, item: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

async function play(
  seed: number,
  profile: ProfileName,
  options: NetworkOptions,
  faults: FaultOptions | undefined,
): Promise<Story> {
  const network = simulateNetwork({ seed, ...options });
  const platform = network.platform({
    profile,
    keepAlive: true,
    // Little room: then calls that answer at once refuse, and a send stays with the system.
    ...(seed % 3 === 0 && { sendBufferSize: 600 }),
    ...(faults !== undefined && { faults }),
  });
  // Of a thread that may end without notice the system is lent nothing of V8's: batches are copied.
  const unannounced = new Proxy(platform, {
    get: (target, name): unknown => {
      const value: unknown = name === 'threadEnd' ? undefined : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const pal = createNetworkPal({
    platform: seed % 4 === 0 ? unannounced : platform,
    strict: true,
    maxOperations: 256,
    waiter: seed % 2 === 0 ? 'worker' : 'inline',
  });
  if (platform.faults !== null) platform.faults.enabled = false;
  pal.initialize();
  const ended = pal.runEventLoop();
  const traffic = new RandomTraffic(pal, seed);
  if (platform.faults !== null) platform.faults.enabled = true;
  for (let left = ACTIONS; left > 0; left--) {
    traffic.act();
    for (let steps = seed % 7; steps > 0; steps--) network.step();
  }
  network.run();
  if (platform.faults !== null) platform.faults.enabled = false;
  traffic.end(() => network.run());
  expect(pal.stats()).to.include({
    pendingCallbacks: 0,
    queuedBytes: 0,
    sockets: 0,
    droppedPackets: 0,
    pinnedBytes: 0,
  });
  void pal.stopEventLoop();
  await network.settle();
  await ended;
  expectNothingLeft(platform);
  return traffic.story;
}

const SEEDS = Array.from({ length: isLong ? 150 : 25 }, (_, index) => index + 1);

describe('random datagrams', function () {
  for (const profile of ['windows', 'wine'] as const) {
    it(`arrive once and in order, ${profile}`, async () => {
      let arrived = 0;
      for (const seed of SEEDS) {
        const { sent, got } = await play(seed, profile, {}, undefined);
        for (const [path, texts] of got) {
          arrived += texts.length;
          // What was sent to a socket that was closed in between is missing at the end, or all of it.
          const order = sent.get(path) ?? [];
          const places = texts.map((text) => order.indexOf(text));
          expect(places, `seed ${seed}, ${path}`).to.not.include(-1);
          expect(texts, `seed ${seed}, ${path}`).to.deep.equal([...texts].sort((a, b) => numberOf(a) - numberOf(b)));
          expect(new Set(texts).size, `seed ${seed}, ${path}`).to.equal(texts.length);
        }
      }
      expect(arrived).to.be.above(17 * SEEDS.length);
    });

    it(`are lost, doubled and reordered by a network that does so, and nothing worse happens, ${profile}`, async () => {
      let doubled = 0;
      for (const seed of SEEDS) {
        const packetLoss = { datagrams: { lose: 5, double: 5, reorder: true } };
        const { got } = await play(seed, profile, packetLoss, undefined);
        for (const [path, texts] of got) {
          for (const text of texts) expect(text.startsWith(`${path} `), `seed ${seed}`).to.equal(true);
          doubled += texts.length - new Set(texts).size;
        }
      }
      expect(doubled).to.be.above(0);
    });

    it(`survive calls and operations that fail, ${profile}`, async () => {
      let failures = 0;
      for (const seed of SEEDS) {
        const story = await play(seed, profile, {}, { calls: 12, operations: 8 });
        failures += story.failures;
      }
      expect(failures).to.be.above(0);
    });
  }
});

const numberOf = (text: string): number => Number(text.split(' ')[1]);
