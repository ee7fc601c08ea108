/** A runtime that forbids ArrayBuffers over native memory, as Electron does: initialize() says so, and nothing is kept. */
import { expect } from 'chai';
import type { Kernel32 } from '../../ffi/kernel32.ts';
import type { KoffiModule } from '../../ffi/koffi.ts';
import { ExternalBuffersRefusedError, virtualMemory } from '../../ffi/memory.ts';
import { createNetworkPal, NetworkErrorCode } from '../../src/index.ts';
import { simulatePlatform } from '../../src/sim/index.ts';
import { wsapoll } from '../../src/wsapoll/index.ts';
import { thrownBy } from '../support/errors.ts';

/** What koffi throws there. */
const refusal = new Error('External buffers are not allowed');

describe('a runtime that forbids external ArrayBuffers', () => {
  /** Regions taken and not given back. */
  const regions = new Set<number>();
  let taken = 0;
  const kernel32 = {
    VirtualAlloc: (_address: number, size: number) => {
      taken++;
      regions.add(taken * 65536);
      return size > 2 ** 40 ? 0 : taken * 65536;
    },
    VirtualFree: (address: number) => Number(regions.delete(address)),
  } as unknown as Kernel32;
  const memoryOf = (view: () => ArrayBuffer): ReturnType<typeof virtualMemory> =>
    virtualMemory({ view } as unknown as KoffiModule, kernel32);
  const forbidding = memoryOf(() => {
    throw refusal;
  });

  beforeEach(() => {
    regions.clear();
    taken = 0;
  });

  it('gives the memory back that it cannot show', () => {
    expect(() => forbidding.allocate(4096))
      .to.throw(ExternalBuffersRefusedError)
      .with.property('cause', refusal);
    expect([taken, regions.size]).to.deep.equal([1, 0]);
    expect(memoryOf(() => new ArrayBuffer(4096)).allocate(4096)?.buffer.byteLength).to.equal(4096);
    expect(regions.size).to.equal(1);
  });

  for (const backend of [undefined, wsapoll]) {
    it(`is refused in initialize(), which says what to do: ${backend?.name ?? 'iocp'}`, () => {
      const platform = simulatePlatform({ keepAlive: true });
      Object.defineProperty(platform, 'memory', { value: forbidding });
      const pal = createNetworkPal({ platform, backend });
      for (let tries = 1; tries <= 3; tries++) {
        const error = thrownBy(() => pal.initialize());
        expect(error).to.include({
          kind: NetworkErrorCode.InitializationFailed,
          code: 'ERR_EXTERNAL_BUFFERS_REFUSED',
        });
        expect(error.message).to.include('Electron').and.include('docs/bundling.md');
        expect([taken, regions.size, platform.openHandles]).to.deep.equal([tries, 0, 0]);
      }
    });
  }

  it('is noticed wherever the memory is taken, and the rest is given back', () => {
    // From the second, third … region on: the slab, the port's batch.
    for (let allowed = 1; allowed <= 2; allowed++) {
      const platform = simulatePlatform({ keepAlive: true });
      const real = platform.memory;
      let left = allowed;
      const before = real.regions;
      const memory = {
        allocate: (byteLength: number) => (left-- > 0 ? real.allocate(byteLength) : forbidding.allocate(byteLength)),
        allocateCollected: (byteLength: number) => real.allocateCollected(byteLength),
        release: (address: number) => real.release(address),
      };
      const pal = createNetworkPal({
        platform: new Proxy(platform, {
          get: (target, name) => {
            const value: unknown = name === 'memory' ? memory : Reflect.get(target, name, target);
            return typeof value === 'function' ? (value as () => void).bind(target) : value;
          },
        }),
      });
      expect(thrownBy(() => pal.initialize())).to.include({ code: 'ERR_EXTERNAL_BUFFERS_REFUSED' });
      expect([real.regions, regions.size, platform.openHandles], `after ${allowed}`).to.deep.equal([before, 0, 0]);
    }
  });
});
