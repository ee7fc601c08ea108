/** Whatever lies behind a user's Uint8Array works as with node:net: shared, resizable and growable memory, and WebAssembly's. */
import { expect } from 'chai';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { rejectionOf } from '../../support/errors.ts';
import { pair, readExactly, readInto, write } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

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

/** The constructor of such a class makes its parts too (Symbol.species): of a buffer, an offset and a length it takes the first. */
class Packet extends Uint8Array {
  constructor(size = 0) {
    super(size);
  }
}
/** Its parts are arrays of other bytes. */
class Message extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    return class extends Uint8Array {
      constructor() {
        super(10);
      }
    };
  }
}
/** It says that it has more bytes than it has. */
class Boast extends Uint8Array {
  override get byteLength(): number {
    return 4000;
  }
}

const kinds: Record<string, (size: number) => Uint8Array> = {
  'a SharedArrayBuffer': (size) => new Uint8Array(new SharedArrayBuffer(size)),
  'a Buffer over a SharedArrayBuffer': (size) => Buffer.from(new SharedArrayBuffer(size + 10), 5, size),
  'a resizable ArrayBuffer': (size) => new Uint8Array(makeResizable(size, 2 * size)),
  'a part of a resizable ArrayBuffer': (size) => new Uint8Array(makeResizable(size + 10, 2 * size + 10), 5, size),
  'a growable SharedArrayBuffer': (size) => new Uint8Array(makeGrowable(size, 2 * size)),
};

const classes: Record<string, (size: number) => Uint8Array> = {
  'a class with a constructor of its own': (size) => new Packet(size),
  'a class with a species of its own': (size) => new Message(size),
};

onEveryBed('an array of', (bed) => {
  const fixture = sharedPal(bed);

  for (const [kind, make] of Object.entries(classes)) {
    for (const size of [10, 1000, 300_000]) {
      it(`${kind}: ${size} bytes are written, alone and in a list`, async () => {
        const { pal } = fixture;
        const { client, served } = await pair(pal);
        const sent = make(size);
        sent.set(seededBytes(size));
        const [received] = await Promise.all([
          readExactly(pal, served, 2 * size),
          write(pal, client, sent),
          write(pal, client, [sent]),
        ]);
        expect(received.equals(Buffer.concat([seededBytes(size), seededBytes(size)]))).to.equal(true);
      });
    }
  }

  it('a class that boasts of its length: what it has is written, and nothing of what was sent before', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    await Promise.all([readExactly(pal, served, 4000), write(pal, client, seededBytes(4000))]);
    const sent = new Boast(100);
    const [received, count] = await Promise.all([readExactly(pal, served, 100), write(pal, client, sent)]);
    expect([received.equals(Buffer.alloc(100)), count]).to.deep.equal([true, 100]);
  });
});

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
