/** Copies of received bytes: by a loop, and by Buffer's copy() beyond it. */
import { Buffer } from 'node:buffer';
import { expect } from 'chai';
import { copyOut } from '../../src/util/bytes.ts';

const SIZES = [0, 1, 16, 17, 64, 65, 1000];
const source = Buffer.from(Array.from({ length: 1100 }, (_, at) => at % 251));

describe('copyOut', () => {
  it('copies so many bytes from a place to the start, and none behind them', () => {
    for (const size of SIZES) {
      const target = new Uint8Array(size + 3).fill(255);
      expect(copyOut(source, 7, target, size), `${size} bytes`).to.equal(true);
      const wanted = [...source.subarray(7, 7 + size), 255, 255, 255];
      expect([...target], `${size} bytes`).to.deep.equal(wanted);
    }
  });

  it('says so when there is no room for them', () => {
    for (const size of SIZES.filter((one) => one > 0)) {
      expect(copyOut(source, 0, new Uint8Array(size - 1), size), `${size} bytes`).to.equal(false);
    }
  });

  it('says so when their memory is gone, also when V8 has optimised it', () => {
    for (const size of SIZES.filter((one) => one > 0)) {
      const there = new Uint8Array(size);
      for (let count = 0; count < 5000; count++) copyOut(source, 0, there, size);
      const gone = new Uint8Array(size);
      structuredClone(gone, { transfer: [gone.buffer] });
      expect(copyOut(source, 0, gone, size), `${size} bytes`).to.equal(false);
    }
  });
});
