/** Reading, writing and closing a connection with promises. */
import { expect } from 'chai';
import { NetworkError, NetworkErrorCode } from '../../src/index.ts';
import { seededBytes } from '../support/bytes.ts';
import { connected, failureOf, onEveryNetwork } from '../support/networks.ts';

const MIB = 1024 * 1024;

onEveryNetwork('promises: a connection', (fixture) => {
  it('knows both of its end points', async () => {
    const { server, client, served } = await connected(fixture);
    expect(client.remote).to.deep.equal(server.endpoint);
    expect(served.local).to.deep.equal(server.endpoint);
    expect(served.remote).to.deep.equal(client.local);
    expect(client.local.family).to.equal(4);
    await Promise.all([client.close(), served.close()]);
    await server.close();
  });

  it('echoes several MiB, chunk by chunk, and ends in order', async () => {
    const { server, client, served } = await connected(fixture);
    const echoing = (async () => {
      for await (const chunk of served) await served.write(chunk);
      await served[Symbol.asyncDispose]();
    })();
    const sent = seededBytes(3 * MIB, 1);
    const received: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of client) received.push(chunk);
    })();
    for (let at = 0; at < sent.length; at += 100_000) await client.write(sent.subarray(at, at + 100_000));
    await client.closeWrite();
    await reading;
    expect(Buffer.concat(received).equals(sent)).to.equal(true);
    await echoing;
    await client.close();
    await server.close();
  });

  it('leaves the chunks of an iteration to the caller', async () => {
    const { server, client, served } = await connected(fixture);
    const chunks: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of served) chunks.push(chunk);
    })();
    for (const [index, text] of ['first', 'second', 'third'].entries()) {
      await client.write(text);
      while (Buffer.concat(chunks).length < [5, 11, 16][index]!) await new Promise(setImmediate);
    }
    await client.closeWrite();
    await reading;
    expect(Buffer.concat(chunks).toString()).to.equal('firstsecondthird');
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('takes back the buffer of a write that is done: what is written into it later is not sent', async () => {
    const { server, client, served } = await connected(fixture);
    const data = Buffer.alloc(1000);
    const received: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of served) received.push(chunk);
    })();
    for (let round = 0; round < 200; round++) await client.write(data.fill(round));
    data.fill(255);
    await client.closeWrite();
    await reading;
    const all = Buffer.concat(received);
    expect(all.length).to.equal(200_000);
    for (let round = 0; round < 200; round++) expect(all[round * 1000 + 500], `write ${round}`).to.equal(round);
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('writes text, and several pieces as one', async () => {
    const { server, client, served } = await connected(fixture);
    await client.write('text ');
    await client.write([Buffer.from('and '), Buffer.from('pieces')]);
    await client.write([]);
    await client.close();
    const received: Buffer[] = [];
    for await (const chunk of served) received.push(chunk);
    expect(Buffer.concat(received).toString()).to.equal('text and pieces');
    await Promise.all([served.close(), server.close()]);
  });

  it('writes nothing, as text, as bytes and as a list, in order with what is something', async () => {
    const { server, client, served } = await connected(fixture);
    for (const data of ['', 'a', Buffer.alloc(0), 'b', [], [Buffer.alloc(0)], 'c']) await client.write(data);
    await client.closeWrite();
    expect(String(await served.readExactly(3))).to.equal('abc');
    expect(await served.readExactly(1)).to.equal(null);
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('reads into a buffer of the caller, and 0 bytes at the end of the stream', async () => {
    const { server, client, served } = await connected(fixture);
    await client.write('abc');
    await client.closeWrite();
    const buffer = Buffer.alloc(2);
    let text = '';
    for (;;) {
      const bytes = await served.read(buffer);
      if (bytes === 0) break;
      text += buffer.toString('latin1', 0, bytes);
    }
    expect(text).to.equal('abc');
    expect(await served.read(buffer), 'the end stays the end').to.equal(0);
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('waits in write() when the peer does not read', async () => {
    const { server, client, served } = await connected(fixture);
    let done = 0;
    const writing = (async () => {
      for (; done < 100; done++) await client.write(Buffer.alloc(MIB));
    })().catch((error: unknown) => error);
    // As much as fits into the buffers of both sides goes out, and no more.
    let before = -1;
    for (let quiet = 0; quiet < 20;) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (done === before) quiet++;
      else quiet = 0;
      before = done;
    }
    expect(done).to.be.below(100);
    await Promise.all([client.reset(), served.reset()]);
    expect(await writing).to.be.instanceOf(NetworkError);
    await server.close();
  });

  it('is closed by an iteration that is left early', async () => {
    const { server, client, served } = await connected(fixture);
    await client.write('something');
    for await (const _chunk of served) break;
    expect(served.isClosed).to.equal(true);
    expect(await client.readExactly(1)).to.equal(null);
    await Promise.all([client.close(), server.close()]);
  });

  it('answers calls that are pending when it is closed, and later ones, with one code', async () => {
    const { server, client, served } = await connected(fixture);
    const reading = failureOf(served.read(Buffer.alloc(1)));
    const closing = served.close();
    const calls = [
      reading,
      failureOf(served.read(Buffer.alloc(1))),
      failureOf(served.readExactly(1)),
      failureOf(served.readUntil('\n')),
      failureOf(served.chunks().next()),
      failureOf(served.lines().next()),
      failureOf(served.write('x')),
      failureOf(served.closeWrite()),
      failureOf(served.sendFile('x')),
    ];
    for (const [index, error] of (await Promise.all(calls)).entries()) {
      expect({ code: error.code, kind: error.kind }, `call ${index}`).to.deep.equal({
        code: 'ECANCELED',
        kind: NetworkErrorCode.ConnectionClosed,
      });
      expect(error).to.be.instanceOf(NetworkError);
    }
    await closing;
    await served.close();
    await Promise.all([client.close(), server.close()]);
  });

  for (const first of ['close', 'closeWrite'] as const) {
    it(`resets right behind ${first}(), and is closed`, async () => {
      const { server, client, served } = await connected(fixture);
      const before = served[first]().catch(() => undefined); // which reset() may cut short
      await served.reset();
      await before;
      await client.close();
      await server.close();
    });
  }

  it('resets: the peer gets ECONNRESET', async () => {
    const { server, client, served } = await connected(fixture);
    const reading = failureOf(client.read(Buffer.alloc(1)));
    await served.reset();
    expect((await reading).code).to.equal('ECONNRESET');
    await Promise.all([client.close(), server.close()]);
  });

  it('refuses a second read while one is under way, which goes on', async () => {
    const { server, client, served } = await connected(fixture);
    const first = served.readExactly(3);
    for (const second of [
      served.read(Buffer.alloc(1)),
      served.readExactly(1),
      served.readUntil('x'),
      served.chunks().next(),
    ]) {
      expect((await failureOf(second)).code).to.equal('ERR_READ_UNDER_WAY');
    }
    await client.write('abc');
    expect((await first)?.toString()).to.equal('abc');
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('has the frames of its callers in the stack of an error', async () => {
    const { server, client, served } = await connected(fixture);
    async function outerCaller(): Promise<void> {
      await innerCaller();
    }
    async function innerCaller(): Promise<void> {
      await served.readExactly(1);
    }
    const failing = failureOf(outerCaller());
    await client.reset();
    const { stack, code } = await failing;
    expect(code).to.equal('ECONNRESET');
    expect(stack).to.include('innerCaller').and.to.include('outerCaller');
    await Promise.all([served.close(), server.close()]);
  });

  it('refuses mistakes by rejecting', async () => {
    const { server, client, served } = await connected(fixture);
    const mistakes: [Promise<unknown>, string][] = [
      [served.read(Buffer.alloc(0)), 'ERR_OUT_OF_RANGE'],
      [served.read('x' as unknown as Buffer), 'ERR_INVALID_ARG_TYPE'],
      [served.readExactly(0), 'ERR_OUT_OF_RANGE'],
      [served.readExactly(1, { timeout: 0 }), 'ERR_OUT_OF_RANGE'],
      [served.read(Buffer.alloc(1), { timeout: -1 }), 'ERR_OUT_OF_RANGE'],
      [served.readUntil(''), 'ERR_OUT_OF_RANGE'],
      [served.readUntil('x', { limit: 0 }), 'ERR_OUT_OF_RANGE'],
      [served.write(5 as unknown as Buffer), 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [call, code] of mistakes) expect((await failureOf(call)).code).to.equal(code);
    await client.write('still there');
    expect((await served.readExactly(11))?.toString()).to.equal('still there');
    await Promise.all([client.close(), served.close(), server.close()]);
  });
});
