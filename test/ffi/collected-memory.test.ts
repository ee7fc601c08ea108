/** Memory that V8 owns and that nothing can be parted from. */
import { expect } from 'chai';
import { undetachableBuffer } from '../../ffi/collected-memory.ts';
import { expectToKeepItsMemory, transfers } from '../support/transfers.ts';

const SIZE = 65536;

for (const [kind, make] of [
  ['WebAssembly', () => undetachableBuffer(SIZE)],
  ['a SharedArrayBuffer, where there is no WebAssembly', () => undetachableBuffer(SIZE, null)],
] as const) {
  describe(`memory that V8 owns: ${kind}`, () => {
    for (const [way, part] of Object.entries(transfers)) {
      it(`stays with its buffer: ${way}`, async () => {
        await expectToKeepItsMemory(new Uint8Array(make() ?? new ArrayBuffer(0)), part);
      });
    }

    it('is zeroed', () => {
      const bytes = new Uint8Array(make() ?? new ArrayBuffer(0));
      expect(bytes).to.have.lengthOf(SIZE);
      expect(bytes.every((byte) => byte === 0)).to.equal(true);
    });
  });
}

describe('undetachableBuffer', () => {
  it('takes whole pages', () => {
    expect(undetachableBuffer(SIZE + 1)?.byteLength).to.equal(2 * SIZE);
    expect(undetachableBuffer(SIZE + 1, null)?.byteLength).to.equal(2 * SIZE);
  });

  it('returns null when there is not so much', () => {
    expect(undetachableBuffer(2 ** 40)).to.equal(null);
    expect(undetachableBuffer(2 ** 52, null)).to.equal(null);
  });

  it('is WebAssembly where there is any: its views are as fast as any', () => {
    expect(undetachableBuffer(1)).to.be.an.instanceOf(ArrayBuffer);
  });
});
