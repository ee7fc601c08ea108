/** asyncRead: what is there, in order, into the start of the buffer. */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkError } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { close, pair, read, readExactly, readInto, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

onEveryBed('read', (bed) => {
  const fixture = sharedPal(bed);

  it('takes a message in parts when the buffer is smaller', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const sent = seededBytes(1000);
    await write(pal, client, sent);
    const parts: Buffer[] = [];
    for (let left = sent.length; left > 0; left -= parts.at(-1)!.length) {
      const part = await read(pal, served, 7);
      expect(part.length).to.be.within(1, 7);
      parts.push(part);
    }
    expect(Buffer.concat(parts).equals(sent)).to.equal(true);
  });

  it('leaves the buffer beyond maxBytes alone', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await write(pal, client, seededBytes(64));
    const buffer = Buffer.alloc(64, 0xee);
    const bytes = await readInto(pal, served, buffer, 10);
    expect(bytes).to.be.within(1, 10);
    expect(buffer.subarray(bytes).every((byte) => byte === 0xee)).to.equal(true);
    expect(buffer.subarray(0, bytes).equals(seededBytes(64).subarray(0, bytes))).to.equal(true);
  });

  it('fills a view inside a larger ArrayBuffer, and nothing around it', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const whole = new Uint8Array(300).fill(0xaa);
    const view = whole.subarray(100, 200);
    const sent = seededBytes(100);
    await write(pal, client, sent);
    let filled = 0;
    while (filled < 100) filled += await readInto(pal, served, view.subarray(filled));
    expect(Buffer.from(view).equals(sent)).to.equal(true);
    expect(whole.subarray(0, 100).every((byte) => byte === 0xaa)).to.equal(true);
    expect(whole.subarray(200).every((byte) => byte === 0xaa)).to.equal(true);
  });

  it('serves several pending reads in the order of the calls', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const buffers = [Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(4)];
    buffers.forEach((buffer, index) => pal.asyncRead(served, buffer, 4, outcomes.expect(`read ${index}`)));
    await write(pal, client, seededBytes(12));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['read 0 ok', 'read 1 ok', 'read 2 ok']);
    expect(Buffer.concat(buffers).equals(seededBytes(12))).to.equal(true);
  });

  it('gives 0 bytes at the end of the stream, as often as asked', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const pending = [read(pal, served), read(pal, served), read(pal, served)];
    await close(pal, client);
    for (const reading of pending) expect((await reading).length).to.equal(0);
    expect((await read(pal, served)).length).to.equal(0);
  });

  it('delivers what was sent before the end', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await write(pal, client, seededBytes(5000));
    await close(pal, client);
    expect((await readExactly(pal, served, 5000)).equals(seededBytes(5000))).to.equal(true);
    expect((await read(pal, served)).length).to.equal(0);
  });

  it('may be called from its own callback, without end', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const total = 200;
    const buffer = Buffer.alloc(1);
    const received = new Promise<number>((resolve, reject) => {
      let count = 0;
      const next = (error: NetworkError | null, bytes: number): void => {
        if (error !== null) return reject(error);
        count += bytes;
        if (count === total) return resolve(count);
        pal.asyncRead(served, buffer, 1, next);
      };
      pal.asyncRead(served, buffer, 1, next);
    });
    await write(pal, client, seededBytes(total));
    expect(await received).to.equal(total);
  });

  it('calls back in a later turn, also for data that is there', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await write(pal, client, seededBytes(10));
    let inside = true;
    const later = new Promise<boolean>((resolve) => {
      pal.asyncRead(served, Buffer.alloc(10), 10, () => resolve(!inside));
    });
    inside = false;
    expect(await later).to.equal(true);
  });

  it('fails when the buffer was detached meanwhile, and loses no bytes', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const buffer = new Uint8Array(100);
    const outcomes = new Outcomes();
    pal.asyncRead(served, buffer, 100, outcomes.expect('read'));
    structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
    await write(pal, client, seededBytes(10));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['read ERR_BUFFER_DETACHED']);
    expect(outcomes.errors.get('read')?.kind).to.equal(NetworkErrorCode.ReadFailed);
    expect(outcomes.errors.get('read')?.message).to.match(/Keep it as it is until the callback/);
    await write(pal, client, seededBytes(20, 2));
    // The stream has no hole: what was received for the buffer that had gone is the next reader's.
    const expected = Buffer.concat([seededBytes(10), seededBytes(20, 2)]);
    expect((await readExactly(pal, served, 30)).equals(expected)).to.equal(true);
  });

  it('adapts to a peer that sends much, then little, then much', async () => {
    // The library's receive blocks follow the peer; no size may lose or repeat bytes.
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    for (const size of [10, 100_000, 10, 10, 10, 10, 300_000, 1, 70_000]) {
      const sent = seededBytes(size, size);
      const [received] = await Promise.all([readExactly(pal, served, size), write(pal, client, sent)]);
      expect(received.equals(sent), `${size} bytes`).to.equal(true);
    }
  });
});
