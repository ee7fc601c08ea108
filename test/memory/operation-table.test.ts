import { expect } from 'chai';
import { Connection } from '../../src/tcp/connection/connection.ts';
import { connectionKind } from '../../src/tcp/connection-kind.ts';
import { BlockPool } from '../../src/memory/block-pool.ts';
import { OperationTable } from '../../src/memory/operation-table.ts';
import { SLOT, SLOT_SIZE, MAX_SEGMENTS, OperationKind, OperationState } from '../../src/memory/operation.ts';
import type { AnyHandle } from '../../src/index.ts';
import { OVERLAPPED, WSABUF } from '../../ffi/layouts.ts';
import { FakeMemory } from '../support/fake-memory.ts';

const TWO_32 = 2 ** 32;

describe('OperationTable', () => {
  const owner = new Connection(connectionKind, (2 ** 20) as AnyHandle, 4, 0, undefined);
  let memory: FakeMemory;
  let table: OperationTable;
  let blocks: BlockPool;
  beforeEach(() => {
    memory = new FakeMemory();
    blocks = new BlockPool(memory);
    table = new OperationTable(memory, 16, blocks);
  });
  const take = () => table.take(OperationKind.Receive, owner)!;
  const find = (address: number) => table.find(address % TWO_32, Math.floor(address / TWO_32));

  it('has room for everything in a context, and nothing overlaps', () => {
    const parts = [
      [SLOT.OVERLAPPED, OVERLAPPED.size],
      [SLOT.WSABUFS, MAX_SEGMENTS * WSABUF.size],
      [SLOT.FLAGS, 4],
      [SLOT.BYTES, 4],
      [SLOT.GENERATION, 4],
    ] as const;
    let end = 0;
    for (const [offset, size] of parts) {
      expect(offset).to.be.at.least(end);
      end = offset + size;
    }
    expect(end).to.be.at.most(SLOT_SIZE);
    expect(SLOT.OVERLAPPED, 'the address of the context is that of its OVERLAPPED').to.equal(0);
  });

  it('hands out each slot once, at its own address, and null when all are in use', () => {
    const taken = Array.from({ length: 16 }, take);
    expect(new Set(taken.map(({ index }) => index)).size).to.equal(16);
    for (const operation of taken) expect(find(operation.address)).to.equal(operation);
    expect(table.take(OperationKind.Send, owner)).to.equal(null);
    expect(table.free).to.equal(0);
    taken[3]!.state = OperationState.Completed;
    table.release(taken[3]!);
    expect(take()).to.equal(taken[3]);
  });

  it('counts by kind', () => {
    const receive = take();
    table.take(OperationKind.Send, owner);
    expect(table.used).to.equal(2);
    expect(table.inUse[OperationKind.Receive]).to.equal(1);
    table.release(receive);
    expect(table.inUse[OperationKind.Receive]).to.equal(0);
    expect(table.inUse[OperationKind.Send]).to.equal(1);
  });

  it('counts what a socket has in flight, and gives the block of an operation back with it', () => {
    const before = owner.inFlight;
    const receive = take();
    receive.block = blocks.take(0);
    expect(owner.inFlight).to.equal(before + 1);
    expect(blocks.bytesInUse).to.be.above(0);
    table.beginWork(owner);
    expect(owner.inFlight).to.equal(before + 2);
    table.release(receive);
    expect(blocks.bytesInUse).to.equal(0);
    expect(owner.inFlight).to.equal(before + 1);
    table.endWork(owner);
    expect(owner.inFlight).to.equal(before);
  });

  it('finds nothing at any other address', () => {
    const { address } = take();
    for (const other of [0, 1, address - 1, address + 1, address + 32, address - SLOT_SIZE, address + TWO_32]) {
      expect(find(other), String(other)).to.equal(null);
    }
    expect(find(address + SLOT_SIZE), 'a slot that was never used').to.equal(null);
  });

  it('zeroes the OVERLAPPED for each use', () => {
    const operation = take();
    const { word } = operation;
    table.words.fill(0xffffffff, word, word + OVERLAPPED.size / 4);
    table.reset(operation);
    expect([...table.words.subarray(word, word + OVERLAPPED.size / 4)]).to.deep.equal(new Array(8).fill(0));
  });

  it('gives every use a generation of its own, which it finds again in memory', () => {
    const operation = take();
    const seen = new Set<number>();
    for (let use = 0; use < 100; use++) {
      seen.add(operation.generation);
      expect(table.isIntact(operation)).to.equal(true);
      table.reset(operation);
    }
    expect(seen.size).to.equal(100);
    table.words[operation.word + SLOT.GENERATION / 4] = 12345678;
    expect(table.isIntact(operation)).to.equal(false);
  });

  for (const state of ['Submitted', 'Cancelling', 'Free'] as const) {
    it(`refuses to release a context that is ${state}`, () => {
      const operation = take();
      operation.state = OperationState[state];
      expect(() => table.release(operation)).to.throw(/only a packet or a failed call frees/);
    });
  }

  it('writes WSABUFs with 64-bit addresses', () => {
    const operation = take();
    for (let segment = 0; segment < MAX_SEGMENTS; segment++) {
      table.setSegment(operation, segment, 0x7ffe_8765_4320 + segment, 1000 + segment);
    }
    const view = new DataView([...memory.regions.values()][0]!.buffer);
    for (let segment = 0; segment < MAX_SEGMENTS; segment++) {
      const start = operation.index * SLOT_SIZE + SLOT.WSABUFS + segment * WSABUF.size;
      expect(view.getUint32(start + WSABUF.len, true)).to.equal(1000 + segment);
      expect(view.getBigUint64(start + WSABUF.buf, true)).to.equal(BigInt(0x7ffe_8765_4320 + segment));
    }
    expect(table.isIntact(operation), 'the last one ends before the generation').to.equal(true);
  });

  it('lists what is not free', () => {
    const [first, second] = [take(), take()];
    table.release(first);
    expect([...table.pending()]).to.deep.equal([second]);
  });

  it('gives the slab back, unless the kernel may still write into it', () => {
    const operation = take();
    operation.state = OperationState.Cancelling;
    table.dispose();
    expect(memory.regions.size).to.equal(1);
    operation.state = OperationState.Completed;
    table.release(operation);
    table.dispose();
    expect(memory.regions.size).to.equal(0);
  });

  it('says what to do when there is no memory', () => {
    memory.exhausted = true;
    expect(() => new OperationTable(memory, 1024, blocks)).to.throw(RangeError, /131072 bytes .* lower maxOperations/);
  });
});
