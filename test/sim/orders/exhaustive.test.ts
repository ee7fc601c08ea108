/**
 * Every order of two events on one socket: an operation that completes, and what meets it. Not sampled: a tree of all
 * choices is walked to its end, for each cell of the table in outcomes.ts.
 */
import { expect } from 'chai';
import { NtStatus, type NtStatusName } from '../../../ffi/ntstatus.ts';
import type { ProfileName } from '../../../src/sim/index.ts';
import { OUTCOMES, type Cell } from './outcomes.ts';
import { isLong, sampleOf } from '../../support/extent.ts';
import { everyOrder } from '../support/one-socket.ts';
import { hasSecondWay, type Setting } from '../support/scene.ts';

interface Variant {
  readonly profile: ProfileName;
  readonly waiter: 'worker' | 'inline';
  readonly skips: boolean;
}

/** Each value of each of the three, in pairs with each of the others. */
const VARIANTS: readonly Variant[] = [
  { profile: 'windows', waiter: 'worker', skips: false },
  { profile: 'windows', waiter: 'inline', skips: true },
  { profile: 'wine', waiter: 'worker', skips: true },
  { profile: 'wine', waiter: 'inline', skips: false },
];
/** Each with one that skips packets and one that does not, with both profiles. */
const PAIRS = [
  VARIANTS.filter(({ waiter }) => waiter === 'worker'),
  VARIANTS.filter(({ waiter }) => waiter === 'inline'),
];

const statusName = (status: number): string =>
  (Object.keys(NtStatus) as NtStatusName[]).find((name) => NtStatus[name] === status) ?? `0x${status.toString(16)}`;

async function check(cell: Cell, variant: Variant, second: boolean): Promise<void> {
  const { operation, event } = cell;
  const setting: Setting = { operation, event, race: false, second, ...variant };
  const alone = await everyOrder(setting);
  expect([...alone.outcomes], 'alone').to.have.members(cell.alone);
  const statuses = new Set(alone.statuses);
  if (cell.racing !== null) {
    const racing = await everyOrder({ ...setting, race: true });
    expect([...racing.outcomes], 'racing').to.have.members(cell.racing);
    for (const status of racing.statuses) statuses.add(status);
  }
  // Sends and receives that succeed at once have no packet on sockets that skip it, nor has a send that waits in a queue,
  // and a receive that holds a buffer is cancelled by the library itself after a while.
  if (variant.skips || second) return;
  expect([...statuses].map(statusName), 'statuses').to.have.members(cell.statuses.map((name) => `STATUS_${name}`));
}

describe('every order', function () {
  for (const [index, cell] of OUTCOMES.entries()) {
    it(`${cell.operation}, while ${cell.event === 'nothing' ? 'nothing else happens' : cell.event}`, async () => {
      const pair = sampleOf(PAIRS, index).flat();
      // A sample has every cell where all packets come, by turns on either profile, and one in five where some are skipped as well;
      // of a file, whose orders are by far the most, none, and neither its second way.
      const hasFewOrders = cell.operation !== 'sendFile';
      const skipping = isLong || (hasFewOrders && index % 5 === 0);
      const variants = pair.filter(({ skips }) => skipping || !skips);
      for (const variant of variants) {
        await check(cell, variant, false);
        if (!hasSecondWay(cell.operation, cell.event)) continue;
        if (isLong || (hasFewOrders && variant === variants[0] && index % 4 === 0)) await check(cell, variant, true);
      }
    });
  }
});
