import { expect } from 'chai';
import { OVERLAPPED } from '../../ffi/layouts.ts';
import { BlockPool } from '../../src/memory/block-pool.ts';
import { OperationKind } from '../../src/memory/operation.ts';
import { OperationTable } from '../../src/memory/operation-table.ts';
import { setPosition } from '../../src/memory/transmit-buffers.ts';
import { FakeMemory } from '../support/fake-memory.ts';

describe('memory/transmit-buffers', () => {
  it('sets a position beyond 2^32 in both halves of the offset', () => {
    const memory = new FakeMemory();
    const table = new OperationTable(memory, 4, new BlockPool(memory));
    const operation = table.take(OperationKind.Send, { inFlight: 0, handle: 1 } as never)!;
    setPosition(table, operation, 3 * 2 ** 32 + 5);
    expect(table.words[operation.word + OVERLAPPED.Offset / 4]).to.equal(5);
    expect(table.words[operation.word + OVERLAPPED.OffsetHigh / 4]).to.equal(3);
  });
});
