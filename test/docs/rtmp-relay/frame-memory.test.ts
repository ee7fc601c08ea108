/** docs/examples/rtmp-relay/frame-memory.ts: frames lie one behind the other. */
import { expect } from 'chai';
import { frameMemory } from '../../../docs/examples/rtmp-relay/frame-memory.ts';

describe('docs/examples/rtmp-relay: the memory of frames', () => {
  it('gives each its own bytes, right behind those of the frame before as long as there is room', () => {
    const allocated: number[] = [];
    const take = frameMemory((bytes) => {
      allocated.push(bytes);
      return Buffer.alloc(bytes);
    });
    const sizes = [10, 300_000, 200_000, 100_000, 600_000, 7];
    const frames = sizes.map((bytes, index) => take(bytes).fill(index + 1));
    expect(frames.map(({ length }) => length)).to.deep.equal(sizes);
    expect(allocated).to.deep.equal([524_288, 524_288, 600_000, 524_288]);
    expect(frames.every((frame, index) => frame.every((byte) => byte === index + 1))).to.equal(true);
    const isBehind = frames.map(({ buffer, byteOffset }, index) => {
      const before = frames[index - 1];
      return before?.buffer === buffer && before.byteOffset + before.length === byteOffset;
    });
    expect(isBehind).to.deep.equal([false, true, true, false, false, false]);
  });
});
