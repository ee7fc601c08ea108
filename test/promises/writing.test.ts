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
});
