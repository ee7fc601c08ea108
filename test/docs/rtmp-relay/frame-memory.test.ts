/** docs/examples/rtmp-relay/frame-memory.ts: frames that lie behind one another are one piece. */
import { expect } from 'chai';
import { FrameMemory, joined } from '../../../docs/examples/rtmp-relay/frame-memory.ts';

describe('docs/examples/rtmp-relay: the memory of frames', () => {
  it('gives each its own bytes, and those in a row as one piece', () => {
    let allocated = 0;
    const memory = new FrameMemory((bytes) => {
      allocated++;
      return Buffer.alloc(bytes);
    });
    const sizes = [10, 300_000, 200_000, 100_000, 600_000, 7];
    const frames = sizes.map((bytes, index) => memory.take(bytes).fill(index + 1));
    expect(frames.map(({ length }) => length)).to.deep.equal(sizes);
    expect(allocated).to.equal(4);
    const pieces = joined(frames);
    expect(pieces.map(({ length }) => length)).to.deep.equal([500_010, 100_000, 600_000, 7]);
    expect(Buffer.concat(pieces).equals(Buffer.concat(frames))).to.equal(true);
    expect(joined([frames[0]!, frames[2]!]), 'the one between was dropped').to.have.lengthOf(2);
    expect(joined([])).to.deep.equal([]);
  });
});
