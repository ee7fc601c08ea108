/** Whose memory it is behind allocateBuffer(), when garbage is collected, and where the kernel uses it in place. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { undetachableBuffer } from '../../ffi/collected-memory.ts';
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';
import { PinnedBuffers } from '../../src/memory/pinned-buffers.ts';
import { expectToKeepItsMemory, transfers } from '../support/transfers.ts';
import { until } from '../support/until.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Memory that keeps nothing reachable. */
class CountedMemory implements NativeMemory {
  taken = 0;
  exhausted = false;

  allocate(): null {
    return null;
  }

  allocateCollected(byteLength: number): NativeRegion | null {
    const buffer = this.exhausted ? null : undetachableBuffer(byteLength);
    return buffer === null ? null : { address: 65536 * 1024 * ++this.taken, buffer };
  }

  release(address: number): void {
    throw new Error(`Nothing is given back by hand: ${address}`);
  }
}

const KIB = 1024;

describe('PinnedBuffers', () => {
  let memory: CountedMemory;
  let pinned: PinnedBuffers;

  beforeEach(() => {
    memory = new CountedMemory();
    pinned = new PinnedBuffers(memory, true);
  });

  /** Throws when there is no memory. */
  function allocate(size: number): Buffer {
    const buffer = pinned.allocate(size);
    if (buffer === null) throw new Error('No memory');
    return buffer;
  }

  it('count a buffer until it is garbage', async () => {
    const use = (): void => {
      for (const size of [10, 100 * KIB, 2048 * KIB]) allocate(size);
    };
    use();
    expect(pinned.byteLength).to.equal(10 + 2148 * KIB);
    expect(pinned.reservedBytes).to.be.at.least(pinned.byteLength);
    await until(
      () => {
        collect();
        return pinned.byteLength === 0 && pinned.reservedBytes === 0;
      },
      () => `the collection of ${pinned.byteLength} bytes`,
    );
  });

  it('leave a slice its memory, when the buffer and the run that it came from are garbage', async () => {
    const slice = ((): Buffer =>
      new PinnedBuffers(memory, true).allocate(100)?.fill(7).subarray(50) ?? Buffer.alloc(0))();
    for (let round = 0; round < 5; round++) {
      collect();
      await new Promise(setImmediate);
    }
    expect(slice.equals(Buffer.alloc(50, 7))).to.equal(true);
  });

  it('cut small buffers from a few arenas, none twice and each zeroed', () => {
    const buffers = Array.from({ length: 3000 }, (_, index) => allocate(1 + ((index * 37) % 2000)));
    expect(memory.taken).to.be.below(12);
    for (const [index, buffer] of buffers.entries()) {
      expect(
        buffer.every((byte) => byte === 0),
        `buffer ${index}`,
      ).to.equal(true);
      buffer.fill(index);
    }
    for (const [index, buffer] of buffers.entries()) {
      expect(
        buffer.every((byte) => byte === (index & 255)),
        `buffer ${index}`,
      ).to.equal(true);
    }
  });

  it('give a large buffer memory of its own', () => {
    const [small, large] = [allocate(1), allocate(1024 * KIB)];
    expect(large.buffer).to.not.equal(small.buffer);
    expect(large.buffer.byteLength).to.equal(1024 * KIB);
  });

  it('know the addresses of the bytes that are theirs', () => {
    const [first, second] = [allocate(100), allocate(100)];
    const start = pinned.addressOf(first, 100);
    expect(start).to.equal(65536 * 1024);
    expect(pinned.addressOf(second, 100)).to.equal(start + 128);
    expect(pinned.addressOf(second.subarray(10), 90)).to.equal(start + 138);
    expect(pinned.addressOf(Buffer.alloc(100), 100)).to.equal(0);
    expect(new PinnedBuffers(memory, true).addressOf(first, 100), "another PAL's").to.equal(0);
  });

  it('believe no view that says to lie outside', () => {
    const buffer = allocate(100);
    const lies = (byteOffset: number): Uint8Array =>
      Object.defineProperty(buffer.subarray(), 'byteOffset', { value: byteOffset });
    for (const byteOffset of [-1, 65536, 2 ** 40, NaN, Infinity, -Infinity]) {
      expect(pinned.addressOf(lies(byteOffset), 1), String(byteOffset)).to.equal(0);
    }
    expect(pinned.addressOf(buffer, 65537)).to.equal(0);
    expect(pinned.addressOf(lies(65535), 1)).to.equal(65536 * 1024 + 65535);
  });

  it('lend nothing where the end of the thread is not announced, and nothing after it', () => {
    const buffer = allocate(10);
    pinned.stopLending();
    expect(pinned.addressOf(buffer, 10)).to.equal(0);
    const never = new PinnedBuffers(memory, false);
    const other = never.allocate(10);
    expect(never.addressOf(other ?? buffer, 10)).to.equal(0);
  });

  it('are null when the system has no memory', () => {
    memory.exhausted = true;
    expect(pinned.allocate(10)).to.equal(null);
    expect(pinned.allocate(2048 * KIB)).to.equal(null);
    memory.exhausted = false;
    expect(pinned.allocate(10)).to.have.lengthOf(10);
  });

  for (const [way, part] of Object.entries(transfers)) {
    it(`are never parted from their memory: ${way}`, async () => {
      await expectToKeepItsMemory(allocate(100), part);
    });
  }
});
