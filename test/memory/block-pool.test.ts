import { expect } from 'chai';
import {
  BLOCK_SIZES,
  BlockPool,
  bytesOf,
  classFor,
  LARGEST_CLASS,
  partOf,
  type Block,
} from '../../src/memory/block-pool.ts';
import { FakeMemory } from '../support/fake-memory.ts';

describe('BlockPool', () => {
  let memory: FakeMemory;
  let pool: BlockPool;
  beforeEach(() => {
    memory = new FakeMemory();
    pool = new BlockPool(memory);
  });

  it('takes no memory before the first block', () => {
    expect(memory.regions.size).to.equal(0);
    expect(pool.reservedBytes).to.equal(0);
  });

  it('lends blocks that do not overlap, at the addresses that the bytes have', () => {
    const blocks = BLOCK_SIZES.flatMap((_, sizeClass) => Array.from({ length: 200 }, () => pool.take(sizeClass)!));
    const regions = [...memory.regions.values()];
    const ranges = blocks.map((block) => {
      expect(block.bytes).to.have.lengthOf(block.size);
      const region = regions.find(({ buffer }) => buffer === block.bytes.buffer)!;
      expect(block.address).to.equal(region.address + block.bytes.byteOffset);
      return [block.address, block.address + block.size] as const;
    });
    ranges.sort((a, b) => a[0] - b[0]);
    for (let index = 1; index < ranges.length; index++) {
      expect(ranges[index]![0]).to.be.at.least(ranges[index - 1]![1]);
    }
  });

  it('counts what is in use, and what is reserved', () => {
    const small = pool.take(0)!;
    const large = pool.take(LARGEST_CLASS)!;
    expect(pool.bytesInUse).to.equal(512 + 262144);
    const { reservedBytes } = pool;
    expect(reservedBytes).to.equal(
      [...memory.regions.values()].reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
    );
    pool.give(small);
    pool.give(large);
    expect(pool.bytesInUse).to.equal(0);
    expect(pool.reservedBytes).to.equal(reservedBytes);
  });

  it('makes the bytes of a block that was taken unseen when somebody looks into it, at its address', () => {
    const taken = Array.from({ length: 3 }, () => pool.takeUnseen(0)!);
    for (const block of taken) expect(block.bytes).to.have.lengthOf(0);
    const [first, second, third] = taken as [Block, Block, Block];
    expect(bytesOf(second)).to.have.lengthOf(512);
    expect(bytesOf(second), 'the second time').to.equal(second.bytes);
    bytesOf(second).fill(2);
    expect([...partOf(second, 510, 2)]).to.deep.equal([2, 2]);
    expect(partOf(third, 100, 28)).to.have.lengthOf(28);
    expect(third.bytes, 'makes no others').to.have.lengthOf(0);
    const [region] = [...memory.regions.values()];
    const at = second.address - region!.address;
    expect([...new Uint8Array(region!.buffer, at - 1, 514)]).to.deep.equal([0, ...Array<number>(512).fill(2), 0]);
    pool.give(third);
    expect(pool.take(0), 'the same one, for somebody who looks into it').to.equal(third);
    expect(third.bytes).to.have.lengthOf(512);
    expect(first.bytes).to.have.lengthOf(0);
  });

  it('lends a block again before it takes more memory', () => {
    for (let round = 0; round < 10_000; round++) pool.give(pool.take(2)!);
    expect(memory.regions.size).to.equal(1);
  });

  it('refuses a block that is given back twice', () => {
    const block = pool.take(0)!;
    pool.give(block);
    expect(() => pool.give(block)).to.throw(/given back twice/);
  });

  it('lends a smaller block when there is no memory for the one asked for, and null when there is none', () => {
    const small = pool.take(0)!; // its chunk has more of them
    memory.exhausted = true;
    const smaller = pool.take(LARGEST_CLASS)!;
    expect(smaller.size).to.equal(512);
    pool.give(small);
    pool.give(smaller);
    const rest = [];
    for (let block = pool.take(0); block !== null; block = pool.take(0)) rest.push(block);
    expect(rest).to.have.lengthOf(65536 / 512);
    expect(pool.take(LARGEST_CLASS)).to.equal(null);
    memory.exhausted = false;
    expect(pool.take(0)).to.not.equal(null);
  });

  it('gives its memory back on dispose, unless a block is still in use', () => {
    const block = pool.take(1)!;
    pool.dispose();
    expect(memory.regions.size, 'the kernel may write into it').to.equal(1);
    pool.give(block);
    pool.dispose();
    expect(memory.regions.size).to.equal(0);
    expect(pool.reservedBytes).to.equal(0);
  });
});

describe('classFor', () => {
  it('names the smallest class that is large enough, or the largest', () => {
    BLOCK_SIZES.forEach((size, sizeClass) => {
      expect(classFor(size)).to.equal(sizeClass);
      expect(classFor(size - 1)).to.equal(sizeClass);
      expect(classFor(size + 1)).to.equal(Math.min(sizeClass + 1, LARGEST_CLASS));
    });
    expect(classFor(1)).to.equal(0);
    expect(classFor(2 ** 30)).to.equal(LARGEST_CLASS);
  });
});
