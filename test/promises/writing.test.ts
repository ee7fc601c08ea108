/** Which calls of the system a write costs, and whose memory it uses. */
import { expect } from 'chai';
import { simulate } from '../../src/simulation/index.ts';

/** A connection, and the sends that were asked of the system since the last look. */
async function traced() {
  const simulation = simulate({ seed: 0, trace: true });
  const { listen, connect, platform, pal, close } = simulation;
  const server = await listen();
  const client = await connect({ port: server.port });
  const served = await server.accept();
  let seen = 0;
  const sends = (): string[] => {
    const lines = platform.network.trace().split('\n');
    const since = lines.slice(seen);
    seen = lines.length;
    return since.filter((line) => line.includes('WSASend('));
  };
  sends();
  return { client, served, pal, sends, close };
}

describe('promises: a write', () => {
  it('of text, of bytes and of several pieces is one send at once, and no callback', async () => {
    const { client, served, pal, sends, close } = await traced();
    for (const data of ['text', Buffer.from('bytes'), [Buffer.from('pie'), Buffer.from('ces')]]) {
      const writing = client.write(data);
      expect([sends().length, pal.stats().pendingCallbacks]).to.deep.equal([1, 0]);
      await writing;
    }
    expect(String(await served.readExactly(15))).to.equal('textbytespieces');
    await close();
  });

  it('of several pieces of allocateBuffer() is one send at once of what lies there, and goes on behind what was taken', async () => {
    const { listen, connect, allocateBuffer, platform, pal, close } = simulate({ seed: 0, trace: true });
    const server = await listen();
    const client = await connect({ port: server.port });
    const served = await server.accept();
    const [one, other] = [allocateBuffer(100).fill(1), allocateBuffer(200_000).fill(2)];
    const { pinnedBytes } = pal.stats();
    const writing = client.write([one, other.subarray(0, 50)]);
    expect(pal.stats()).to.deep.include({ pendingCallbacks: 0, pinnedBytes });
    await writing;
    expect(/WSASend\(.*\)/.exec(platform.network.trace())?.[0]).to.match(/^WSASend\(\d+, \w+, 2, /);
    const rest = client.write([one, other, one]); // more than the system takes at once
    const expected = Buffer.concat([one, other.subarray(0, 50), one, other, one]);
    expect((await served.readExactly(expected.length))?.equals(expected)).to.equal(true);
    await rest;
    await close();
  });

  it('is one send at once, however many went before it in other turns of the loop', async () => {
    const { listen, connect, pal, sleep, close } = simulate({ seed: 0 });
    const server = await listen();
    const client = await connect({ port: server.port });
    await server.accept();
    for (let count = 0; count < 100; count++) {
      const writing = client.write('text');
      expect(pal.stats().pendingCallbacks, `after ${count}`).to.equal(0);
      await writing;
      await sleep(1);
    }
    await close();
  });

  it('leaves others their turns, however many follow each other', async () => {
    const { client, served, close } = await traced();
    let [writes, hasCome] = [0, false];
    const reading = served.readExactly(1).then(() => (hasCome = true));
    for (; !hasCome && writes < 1000; writes++) await client.write('x');
    expect(writes).to.be.lessThan(1000);
    await reading;
    await close();
  });

  it('travels with others, where many are not waited for', async () => {
    const { client, served, sends, close } = await traced();
    const writing = Array.from({ length: 1000 }, () => client.write('x'));
    expect((await served.readExactly(1000))?.length).to.equal(1000);
    await Promise.all(writing);
    expect(sends().length).to.be.lessThan(50);
    await close();
  });

  it('may be changed by its caller when it is done, whatever of it still waits', async () => {
    const { client, served, pal, close } = await traced();
    let before = 0;
    for (; pal.stats().queuedBytes === 0; before += 10_000) await client.write(Buffer.alloc(10_000));
    const [bytes, pieces] = [Buffer.alloc(1000, 1), [Buffer.alloc(500, 2), Buffer.alloc(500, 3)] as const];
    await client.write(bytes);
    await client.write([...pieces]);
    for (const buffer of [bytes, ...pieces]) buffer.fill(255);
    await served.readExactly(before);
    const behind = await served.readExactly(2000);
    const expected = Buffer.concat([Buffer.alloc(1000, 1), Buffer.alloc(500, 2), Buffer.alloc(500, 3)]);
    expect(behind?.equals(expected)).to.equal(true);
    await close();
  });

  /** Less than what a write of anybody else's memory leaves behind as a copy. */
  const BYTES = 60_000;
  /** More of them than a connection holds. */
  const WRITES = 20;
  const kinds: Record<string, (allocated: Buffer) => Buffer | Buffer[]> = {
    'from memory of allocateBuffer()': (bytes) => bytes,
    'of a slice of it': (bytes) => bytes.subarray(1000),
    'of several pieces of it': (bytes) => [bytes.subarray(0, 10), bytes.subarray(10, 1000), bytes.subarray(1000)],
  };
  for (const [what, dataOf] of Object.entries(kinds)) {
    it(`${what} has no copy per connection, and is done when the system has all of it`, async () => {
      const { listen, connect, allocateBuffer, pal, sleep, close } = simulate({ seed: 0 });
      const server = await listen();
      const sides = [];
      for (let index = 0; index < 10; index++) {
        sides.push({ client: await connect({ port: server.port }), served: await server.accept() });
      }
      const bytes = allocateBuffer(BYTES).fill(7);
      const data = dataOf(bytes);
      const size = Buffer.concat([data].flat()).length;
      const before = pal.stats();
      let done = 0;
      const writing = sides.flatMap(({ client }) =>
        Array.from({ length: WRITES }, () => client.write(data).then(() => done++)),
      );
      await sleep(1000);
      const { pinnedBytes, operations, queuedBytes, bytesSent } = pal.stats();
      expect([operations.send, queuedBytes > 1_000_000, done < 10 * WRITES]).to.deep.equal([10, true, true]);
      expect(pinnedBytes - before.pinnedBytes, 'operations, and no data').to.be.lessThan(10 * 256);
      expect(done * size, 'the system has what is done').to.be.at.most(bytesSent - before.bytesSent);
      await Promise.all(
        sides.map(async ({ served }) => {
          const all = WRITES * size;
          expect((await served.readExactly(all))?.equals(Buffer.alloc(all, 7))).to.equal(true);
        }),
      );
      await Promise.all(writing);
      await close();
    });
  }

  it('of pieces that lie one behind the other is of one segment, at once and when it has to wait', async () => {
    const { client, served, sends, pal, close } = await traced();
    const memory = pal.allocateBuffer(3_000_000);
    const pieces = (from: number): Buffer[] =>
      Array.from({ length: 20 }, (_, at) => memory.subarray(from + at * 10, from + at * 10 + 10));
    memory.fill(7);
    await client.write(pieces(1000).slice(0, 10));
    const waiting = [
      client.write(memory),
      client.write(pieces(5000)),
      client.write([...pieces(100), Buffer.from('x')]),
    ];
    await served.readExactly(100 + memory.length + 200 + 201);
    await Promise.all(waiting);
    const segments = sends().map((line) => Number(/WSASend\(\d+, \w+, (\d+)/.exec(line)?.[1]));
    expect(segments[0]).to.equal(1);
    expect(Math.max(...segments)).to.be.at.most(4);
    expect(segments.length, 'few calls').to.be.lessThan(60);
    await close();
  });

  it("refuses a size that is none, and lends nobody else's memory", async () => {
    const { allocateBuffer, close } = simulate({ seed: 0 });
    for (const size of [0, -1, 1.5, 2 ** 31]) expect(() => allocateBuffer(size)).to.throw(RangeError);
    expect([...allocateBuffer(3)]).to.deep.equal([0, 0, 0]);
    await close();
  });
});
