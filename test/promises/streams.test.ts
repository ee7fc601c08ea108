/** A connection's Web streams, and files that are sent on it. */
import { expect } from 'chai';
import { seededBytes } from '../support/bytes.ts';
import { connected, failureOf, onEveryNetwork } from '../support/networks.ts';

const MIB = 1024 * 1024;

onEveryNetwork('promises: Web streams', (fixture) => {
  it('carry bytes there and back through a pipe', async () => {
    const { server, client, served } = await connected(fixture);
    const echoing = served.readable.pipeTo(served.writable);
    const sent = seededBytes(MIB, 3);
    const writer = client.writable.getWriter();
    const writing = (async () => {
      for (let at = 0; at < sent.length; at += 50_000) await writer.write(sent.subarray(at, at + 50_000));
      await writer.close();
    })();
    const received: Uint8Array[] = [];
    for await (const chunk of client.readable) received.push(chunk);
    expect(Buffer.concat(received).equals(sent)).to.equal(true);
    await Promise.all([writing, echoing]);
    expect(client.readable, 'made once').to.equal(client.readable);
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('read into the buffer of a reader that brings one', async () => {
    const { server, client, served } = await connected(fixture);
    await client.write('abcdef');
    await client.closeWrite();
    const reader = served.readable.getReader({ mode: 'byob' });
    let text = '';
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(4));
      if (done) break;
      expect(value.buffer.byteLength).to.equal(4);
      text += Buffer.from(value).toString();
    }
    expect(text).to.equal('abcdef');
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('leave to others the memory that small chunks share', async () => {
    const { server, client, served } = await connected(fixture);
    const neighbour = Buffer.from('in the pool');
    const reader = served.readable.getReader();
    await client.write('x');
    expect(Buffer.from((await reader.read()).value!).toString()).to.equal('x');
    expect([neighbour.toString(), Buffer.from('y').toString()]).to.deep.equal(['in the pool', 'y']);
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('take nothing that nobody has asked for', async () => {
    const { server, client, served } = await connected(fixture);
    await client.write('untouched');
    expect(served.readable.locked).to.equal(false);
    expect(String(await served.readExactly(9))).to.equal('untouched');
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('close the connection when they are cancelled, and reset it when they are aborted', async () => {
    const one = await connected(fixture);
    await one.served.readable.cancel();
    expect(one.served.isClosed).to.equal(true);
    await Promise.all([one.client.close(), one.server.close()]);
    const two = await connected(fixture);
    const reading = failureOf(two.client.readExactly(1));
    await two.served.writable.abort();
    expect((await reading).code).to.equal('ECONNRESET');
    await Promise.all([two.client.close(), two.server.close()]);
  });

  it('are rejected with what broke the connection', async () => {
    const { server, client, served } = await connected(fixture);
    const reader = served.readable.getReader();
    await client.write('x');
    await reader.read();
    const reading = failureOf(reader.read());
    // The read is under way when the reset comes: to one that is begun later, Wine says that the stream has ended.
    await new Promise(setImmediate);
    await client.reset();
    expect((await reading).code).to.equal('ECONNRESET');
    await Promise.all([served.close(), server.close()]);
  });
});

onEveryNetwork('promises: sendFile', (fixture) => {
  it('sends a file in order with what is written around it', async () => {
    const { server, client, served } = await connected(fixture);
    const bytes = seededBytes(300_000, 5);
    const file = fixture.putFile('whole', bytes);
    const sending = (async () => {
      await served.write('before ');
      const count = await served.sendFile(file, { offset: 1000, length: 200_000, head: Buffer.from('[') });
      await served.write(' after');
      await served.closeWrite();
      return count;
    })();
    const received: Buffer[] = [];
    for await (const chunk of client) received.push(chunk);
    const all = Buffer.concat(received);
    expect(all.subarray(0, 8).toString()).to.equal('before [');
    expect(all.subarray(8, 200_008).equals(bytes.subarray(1000, 201_000))).to.equal(true);
    expect(all.subarray(200_008).toString()).to.equal(' after');
    expect(await sending).to.equal(200_001);
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('is in order with writes that nobody waited for', async () => {
    const { server, client, served } = await connected(fixture);
    const file = fixture.putFile('middle', Buffer.from('file'));
    await Promise.all([served.write('1 '), served.sendFile(file), served.write(' 2'), served.closeWrite()]);
    const received: Buffer[] = [];
    for await (const chunk of client) received.push(chunk);
    expect(Buffer.concat(received).toString()).to.equal('1 file 2');
    await Promise.all([client.close(), served.close(), server.close()]);
  });

  it('says what is wrong with the file, and the connection goes on', async () => {
    const { server, client, served } = await connected(fixture);
    const file = fixture.putFile('short', Buffer.from('short'));
    expect((await failureOf(served.sendFile(`${file}-is-not-there`))).code).to.equal('ENOENT');
    expect((await failureOf(served.sendFile(file, { length: 100 }))).code).to.equal('ERR_OUT_OF_RANGE');
    await served.write('still there');
    expect(String(await client.readExactly(11))).to.equal('still there');
    await Promise.all([client.close(), served.close(), server.close()]);
  });
});
