/** What every test of a simulated process ends with. */
import { expect } from 'chai';
import type { SimulatedPlatform } from '../../../src/sim/index.ts';

const NOTHING = { handles: 0, operations: 0, regions: 0, files: 0 } as const;

/** Fails when a process that has ended its PAL still has handles, operations, native memory or open files. */
export function expectNothingLeft(platform: SimulatedPlatform, where = ''): void {
  const { openHandles: handles, ledger, memory, files } = platform;
  const left = { handles, operations: ledger.size, regions: memory.regions, files: files.openCount };
  expect(left, `${where} left behind`.trimStart()).to.deep.equal(NOTHING);
}
