import { expect } from 'chai';
import { WaitingWatches } from '../../../src/tcp/readiness/waiting-watches.ts';
import type { SocketRecord } from '../../../src/sockets/socket-record.ts';

describe('ParkedWatches', () => {
  let waitingWatches: WaitingWatches;
  let seen: number[];
  const record = (handle: number): SocketRecord => ({ handle }) as unknown as SocketRecord;
  const again = ({ handle }: SocketRecord): void => void seen.push(handle);
  beforeEach(() => {
    waitingWatches = new WaitingWatches();
    seen = [];
  });

  it('takes as many as there are slots, in the order of their coming', () => {
    for (const handle of [5, 3, 8]) waitingWatches.awaitSlot(record(handle));
    waitingWatches.takeForSlots(0, again);
    expect(seen).to.deep.equal([]);
    waitingWatches.takeForSlots(2, again);
    expect(seen).to.deep.equal([5, 3]);
    expect(waitingWatches.size).to.equal(1);
    waitingWatches.takeForSlots(100, again);
    expect(seen).to.deep.equal([5, 3, 8]);
    expect(waitingWatches.size).to.equal(0);
  });

  it('holds a watch once, however often it asks', () => {
    const one = record(1);
    waitingWatches.awaitSlot(one);
    waitingWatches.awaitSlot(one);
    expect(waitingWatches.size).to.equal(1);
  });

  it('one that begins to wait again while it is looked at waits for the next time', () => {
    const one = record(1);
    waitingWatches.awaitRoom(one);
    waitingWatches.takeForRoom((found) => {
      again(found);
      waitingWatches.awaitRoom(found);
    });
    expect(seen.length, 'looks').to.be.at.most(64);
    expect(waitingWatches.size).to.equal(1);
  });

  it('forgets a watch that has ended, whatever it waited for', () => {
    const one = record(1);
    waitingWatches.awaitSlot(one);
    waitingWatches.awaitRoom(one);
    waitingWatches.forget(one);
    expect(waitingWatches.size).to.equal(0);
    waitingWatches.takeForSlots(10, again);
    waitingWatches.takeForRoom(again);
    expect(seen).to.deep.equal([]);
  });
});
