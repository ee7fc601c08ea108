/** allocateBuffer: memory that the kernel fills and sends in place, whole or in slices, and mixed with other buffers. */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { pair, read, readExactly, readInto, write } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { expectToKeepItsMemory, transfers } from '../../support/transfers.ts';

onEveryBed('pinned buffers', (bed) => {
  const fixture = sharedPal(bed);

  it('are zeroed, of the size asked for, and counted', () => {
    const { pal } = fixture;
    for (const size of [1, 512, 65536, 65537, 1_000_000]) {
      const before = pal.stats().pinnedBytes;
      const buffer = pal.allocateBuffer(size);
      expect(buffer).to.be.instanceOf(Buffer).and.to.have.lengthOf(size);
      expect(buffer.every((byte) => byte === 0)).to.equal(true);
      expect(pal.stats().pinnedBytes - before).to.equal(size);
    }
  });

  for (const [way, part] of Object.entries(transfers)) {
    it(`keep their memory, and work as before: ${way}`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const buffer = pal.allocateBuffer(100);
      await expectToKeepItsMemory(buffer, part);
      await write(pal, client, buffer.fill(9));
      expect(await readInto(pal, served, buffer.fill(0))).to.equal(100);
      expect(buffer.every((byte) => byte === 9)).to.equal(true);
    });
  }

  it('are read into in place', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const buffer = pal.allocateBuffer(1000);
    const sent = seededBytes(1000);
    await write(pal, client, sent);
    let filled = 0;
    while (filled < 1000) filled += await readInto(pal, served, buffer.subarray(filled));
    expect(buffer.equals(sent)).to.equal(true);
  });

  it('are read into in slices, and only there', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const buffer = pal.allocateBuffer(300).fill(0xcc);
    await write(pal, client, seededBytes(40));
    const bytes = await readInto(pal, served, buffer.subarray(100, 200), 30);
    expect(bytes).to.be.within(1, 30);
    expect(buffer.subarray(100, 100 + bytes).equals(seededBytes(40).subarray(0, bytes))).to.equal(true);
    expect(buffer.subarray(0, 100).every((byte) => byte === 0xcc)).to.equal(true);
    expect(buffer.subarray(100 + bytes).every((byte) => byte === 0xcc)).to.equal(true);
  });

  for (const size of [1, 100, 65536, 262_145, 3_000_000]) {
    it(`of ${size} bytes are written`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const buffer = pal.allocateBuffer(size);
      const sent = seededBytes(size, 4);
      sent.copy(buffer);
      const [received, written] = await Promise.all([readExactly(pal, served, size), write(pal, client, buffer)]);
      expect(written).to.equal(size);
      expect(received.equals(sent)).to.equal(true);
    });
  }

  it('are written in slices and lists, mixed with other buffers, in order', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const pinned = pal.allocateBuffer(100_000);
    seededBytes(100_000, 5).copy(pinned);
    const other = pal.allocateBuffer(5000);
    seededBytes(5000, 6).copy(other);
    const list = [
      seededBytes(3, 1),
      pinned.subarray(10, 20),
      seededBytes(0),
      pinned.subarray(20, 90_000),
      seededBytes(70_000, 2),
      other,
      other.subarray(1, 2),
      seededBytes(1, 3),
      pinned.subarray(0, 0),
      pinned.subarray(99_999),
      seededBytes(300_000, 4),
      other.subarray(4000),
    ];
    const expected = Buffer.concat(list);
    const [received] = await Promise.all([readExactly(pal, served, expected.length), write(pal, client, list)]);
    expect(received.equals(expected)).to.equal(true);
  });

  it('and other buffers as separate writes keep their order', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const pinned = pal.allocateBuffer(50_000);
    seededBytes(50_000, 5).copy(pinned);
    const messages = Array.from({ length: 200 }, (_, index) =>
      index % 3 === 0 ? pinned.subarray(index * 10, index * 20 + 1) : seededBytes(1 + ((index * 37) % 5000), index),
    );
    const expected = Buffer.concat(messages);
    const [received] = await Promise.all([
      readExactly(pal, served, expected.length),
      ...messages.map((message) => write(pal, client, message)),
    ]);
    expect(received.equals(expected)).to.equal(true);
  });

  it('save the block: a read into one pins no other memory', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const buffer = pal.allocateBuffer(100_000);
    const before = pal.stats().pinnedBytes;
    const reading = readInto(pal, served, buffer);
    const contextSize = 128;
    expect(pal.stats().pinnedBytes - before).to.be.at.most(contextSize);
    await write(pal, client, seededBytes(10));
    expect(await reading).to.equal(10);
  });

  it('work with reads that are pending together with plain ones', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const pinned = pal.allocateBuffer(10);
    const readings = [
      readInto(pal, served, pinned.subarray(0, 5)),
      read(pal, served, 5),
      readInto(pal, served, pinned.subarray(5)),
    ] as const;
    await write(pal, client, seededBytes(15));
    const [first, second, third] = await Promise.all(readings);
    expect(first).to.equal(5);
    expect(third).to.equal(5);
    expect(Buffer.concat([pinned.subarray(0, 5), second, pinned.subarray(5)]).equals(seededBytes(15))).to.equal(true);
  });
});
