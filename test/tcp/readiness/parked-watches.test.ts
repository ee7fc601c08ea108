import { expect } from 'chai';
import { ParkedWatches } from '../../../src/tcp/readiness/parked-watches.ts';
import type { SocketRecord } from '../../../src/sockets/socket-record.ts';

describe('ParkedWatches', () => {
  let parked: ParkedWatches;
  let seen: number[];
  const record = (handle: number): SocketRecord => ({ handle }) as unknown as SocketRecord;
  const again = ({ handle }: SocketRecord): void => void seen.push(handle);
  beforeEach(() => {
    parked = new ParkedWatches();
    seen = [];
  });

  it('lets go of as many as there are slots, in the order of their coming', () => {
    for (const handle of [5, 3, 8]) parked.awaitSlot(record(handle));
    parked.takeForSlots(0, again);
    expect(seen).to.deep.equal([]);
    parked.takeForSlots(2, again);
    expect(seen).to.deep.equal([5, 3]);
    expect(parked.size).to.equal(1);
    parked.takeForSlots(100, again);
    expect(seen).to.deep.equal([5, 3, 8]);
    expect(parked.size).to.equal(0);
  });

  it('holds a watch once, however often it asks', () => {
    const one = record(1);
    parked.awaitSlot(one);
    parked.awaitSlot(one);
    expect(parked.size).to.equal(1);
  });

  it('one that parks itself again while it is looked at waits for the next time', () => {
    const one = record(1);
    parked.awaitRoom(one);
    parked.takeForRoom((found) => {
      again(found);
      parked.awaitRoom(found);
    });
    expect(seen.length, 'looks').to.be.at.most(64);
    expect(parked.size).to.equal(1);
  });

  it('forgets a watch that has ended, whatever it waited for', () => {
    const one = record(1);
    parked.awaitSlot(one);
    parked.awaitRoom(one);
    parked.forget(one);
    expect(parked.size).to.equal(0);
    parked.takeForSlots(10, again);
    parked.takeForRoom(again);
    expect(seen).to.deep.equal([]);
  });
});
