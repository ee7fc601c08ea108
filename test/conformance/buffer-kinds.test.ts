/** Whatever lies behind a user's Uint8Array works as with node:net: shared, resizable and growable memory, and WebAssembly's. */
import { expect } from 'chai';
import { onEveryBed } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { rejectionOf } from '../support/errors.ts';
import { pair, readExactly, readInto, write } from '../support/io.ts';
import { sharedPal } from '../support/pal-fixture.ts';

/** ES2024, which Node 20 has and the type library in use does not. */
interface Resizable extends ArrayBuffer {
  resize(byteLength: number): void;
}
interface Growable extends SharedArrayBuffer {
  grow(byteLength: number): void;
}
const makeResizable = (byteLength: number, maxByteLength: number): Resizable =>
  new (ArrayBuffer as unknown as new (byteLength: number, options: object) => Resizable)(byteLength, { maxByteLength });
const makeGrowable = (byteLength: number, maxByteLength: number): Growable =>
  new (SharedArrayBuffer as unknown as new (byteLength: number, options: object) => Growable)(byteLength, {
    maxByteLength,
  });

const kinds: Record<string, (size: number) => Uint8Array> = {
  'a SharedArrayBuffer': (size) => new Uint8Array(new SharedArrayBuffer(size)),
  'a Buffer over a SharedArrayBuffer': (size) => Buffer.from(new SharedArrayBuffer(size + 10), 5, size),
  'a resizable ArrayBuffer': (size) => new Uint8Array(makeResizable(size, 2 * size)),
  'a part of a resizable ArrayBuffer': (size) => new Uint8Array(makeResizable(size + 10, 2 * size + 10), 5, size),
  'a growable SharedArrayBuffer': (size) => new Uint8Array(makeGrowable(size, 2 * size)),
};

onEveryBed('a buffer over', (bed) => {
  const fixture = sharedPal(bed);

  for (const [kind, make] of Object.entries(kinds)) {
    // Below and above the length up to which bytes are copied in a loop, and more than a block.
    for (const size of [10, 1000, 300_000]) {
      it(`${kind}: ${size} bytes are written and read`, async () => {
        const { pal } = fixture;
        const { client, served } = await pair(pal);
        const sent = make(size);
        sent.set(seededBytes(size));
        const [received] = await Promise.all([
          readExactly(pal, served, size),
          write(pal, client, [sent, sent.subarray(0, 0)]),
        ]);
        expect(received.equals(seededBytes(size))).to.equal(true);
        const target = make(size);
        const writing = write(pal, client, sent);
        const count = await readInto(pal, served, target);
        expect(Buffer.from(target.subarray(0, count)).equals(seededBytes(size).subarray(0, count))).to.equal(true);
        await Promise.all([readExactly(pal, served, size - count), writing]);
      });
    }
  }

  it('memory that has grown since is read into and sent as it was', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const memory = makeResizable(100, 1000);
    const target = new Uint8Array(memory);
    const reading = readInto(pal, served, target);
    memory.resize(1000);
    await write(pal, client, seededBytes(100));
    expect(await reading).to.equal(100);
    expect(Buffer.from(target.subarray(0, 100)).equals(seededBytes(100))).to.equal(true);
  });

  it('memory that has shrunk since: the read gets an error, and the next read the bytes', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const memory = makeResizable(100, 100);
    const reading = rejectionOf(readInto(pal, served, new Uint8Array(memory)));
    memory.resize(10);
    await write(pal, client, seededBytes(100));
    expect((await reading).code).to.equal('ERR_BUFFER_DETACHED');
    expect((await readExactly(pal, served, 100)).equals(seededBytes(100))).to.equal(true);
  });
});
