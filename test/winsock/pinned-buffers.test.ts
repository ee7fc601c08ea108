/** Whose memory it is behind allocateBuffer(), when garbage is collected. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import type { NativeMemory } from '../../ffi/memory.ts';
import { PinnedBuffers } from '../../src/winsock/pinned-buffers.ts';
import { until } from '../support/until.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Memory that keeps nothing reachable. */
class CountedMemory implements NativeMemory {
  readonly taken = new Set<number>();

  allocate(byteLength: number): { address: number; buffer: ArrayBuffer } {
    const address = 65536 * (this.taken.size + 1);
    this.taken.add(address);
    return { address, buffer: new ArrayBuffer(byteLength) };
  }

  release(address: number): void {
    this.taken.delete(address);
  }
}

describe('PinnedBuffers', () => {
  it('gives a buffer back that is garbage, also when the run that it came from is', async () => {
    const memory = new CountedMemory();
    const allocate = (): void => {
      expect(new PinnedBuffers(memory).allocate(10)?.length).to.equal(10);
    };
    for (let count = 0; count < 10; count++) allocate();
    expect(memory.taken.size).to.equal(10);
    const collected = (): boolean => {
      collect();
      return memory.taken.size === 0;
    };
    await until(collected, () => `the collection of ${memory.taken.size} buffers`);
  });

  it('refuses to have the memory of a buffer moved to another one', () => {
    const buffer = new PinnedBuffers(new CountedMemory()).allocate(10);
    const memory = buffer?.buffer as ArrayBuffer & { transfer: () => void; transferToFixedLength: () => void };
    expect(() => memory.transfer()).to.throw(TypeError, 'allocateBuffer');
    expect(() => memory.transferToFixedLength()).to.throw(TypeError, 'allocateBuffer');
    try {
      structuredClone(memory, { transfer: [memory] });
    } catch {
      // Node 21 and newer refuse; Node 20 makes a copy.
    }
    expect(buffer?.length).to.equal(10);
  });
});
