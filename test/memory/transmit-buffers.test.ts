import { expect } from 'chai';
import { OVERLAPPED } from '../../ffi/layouts.ts';
import type { Operation } from '../../src/memory/operation.ts';
import type { OperationTable } from '../../src/memory/operation-table.ts';
import { setPosition } from '../../src/memory/transmit-buffers.ts';

describe('memory/transmit-buffers', () => {
  it('sets a position beyond 2^32 in both halves of the offset', () => {
    const words = new Uint32Array(64).fill(0xffff_ffff);
    const word = 32;
    setPosition({ words } as unknown as OperationTable, { word } as Operation, 3 * 2 ** 32 + 5);
    expect(words[word + OVERLAPPED.Offset / 4]).to.equal(5);
    expect(words[word + OVERLAPPED.OffsetHigh / 4]).to.equal(3);
  });
});
