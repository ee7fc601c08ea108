/** The set under WSAPoll: who is in it, at which place, and who may touch it when. */
import { expect } from 'chai';
import { POLLERR, POLLRDNORM, POLLWRNORM } from '../../ffi/constants.ts';
import { PollSet } from '../../src/wsapoll/poll-set.ts';
import type { PolledSocket } from '../../src/wsapoll/polled-socket.ts';
import { FakePoll, WAKE_SOCKET, type Entry } from './fake-poll.ts';

/** A socket as the set sees it; the test says what it wants. */
class Member implements PolledSocket {
  readonly socket: number;
  wanted: number;
  connecting = false;
  resting = false;
  place = -1;
  noted = false;
  readonly told: number[] = [];
  refusals = 0;

  constructor(socket: number, wanted: number = POLLRDNORM) {
    this.socket = socket;
    this.wanted = wanted;
  }

  ready(revents: number): void {
    this.told.push(revents);
  }

  rested(): void {
    this.resting = false;
  }

  refused(): void {
    this.refusals++;
  }
}

const WAKE: Entry = { socket: WAKE_SOCKET, events: POLLRDNORM };
const entryOf = ({ socket, wanted }: Member): Entry => ({ socket, events: wanted });

function setOf(count: number): { fake: FakePoll; set: PollSet; members: Member[] } {
  const fake = new FakePoll();
  const set = new PollSet(fake.parts, fake.makeWaiter);
  const members = Array.from({ length: count }, (_, index) => new Member(0x2_0000_0000 + index * 4));
  for (const member of members) set.changed(member);
  return { fake, set, members };
}

function dispatchAll(set: PollSet, count: number): void {
  for (let index = 0; index < count; index++) set.dispatch(index);
}

describe('PollSet', () => {
  for (const call of ['WSASocketW', 'bind', 'createPollWaiter'] as const) {
    it(`leaves nothing behind when it cannot be made because ${call} fails`, () => {
      const fake = new FakePoll();
      const before = fake.regions;
      fake.failing.add(call);
      expect(() => new PollSet(fake.parts, fake.makeWaiter)).to.throw();
      expect([fake.regions, fake.openSockets]).to.deep.equal([before, 0]);
    });
  }

  it('refuses a socket when there is no memory for a larger array, also one that came during a wait', () => {
    const { fake, set, members } = setOf(255);
    fake.exhausted = true;
    const late = [new Member(4), new Member(8)];
    set.changed(late[0]!);
    expect(late[0]!.refusals).to.equal(1);
    set.wait();
    set.changed(late[1]!);
    fake.wait();
    dispatchAll(set, set.take());
    expect(late[1]!.refusals).to.equal(1);
    expect(fake.entries()).to.deep.equal([WAKE, ...members.map(entryOf)]);
    fake.exhausted = false;
    set.changed(late[0]!);
    expect(fake.entries().at(-1)).to.deep.equal(entryOf(late[0]!));
  });

  it('begins with its wake-up socket, and asks nobody while that is alone', () => {
    const { fake, set } = setOf(0);
    expect(fake.entries()).to.deep.equal([WAKE]);
    expect(set.poll()).to.equal(0);
    expect(fake.counters.syscalls.WSAPoll).to.equal(0);
  });

  it('a socket enters at the end, with what it waits for', () => {
    const { fake, set, members } = setOf(3);
    members[1]!.wanted = POLLRDNORM | POLLWRNORM;
    set.changed(members[1]!);
    expect(fake.entries()).to.deep.equal([WAKE, ...members.map(entryOf)]);
    expect(members.map(({ place }) => place)).to.deep.equal([1, 2, 3]);
  });

  it('one that waits for nothing never enters', () => {
    const { fake, set } = setOf(0);
    set.changed(new Member(4, 0));
    expect(fake.entries()).to.deep.equal([WAKE]);
  });

  it('when one leaves, the last takes its place and every place stays right', () => {
    const { fake, set, members } = setOf(5);
    const [first, second, , , last] = members;
    second!.wanted = 0;
    set.changed(second!);
    expect(fake.entries().map(({ socket }) => socket)).to.deep.equal(
      [WAKE_SOCKET, first!, last!, members[2]!, members[3]!].map((one) => (typeof one === 'number' ? one : one.socket)),
    );
    expect(second!.place).to.equal(-1);
    expect(last!.place).to.equal(2);
    // The one that was moved leaves, then the one that is the last by now, then it comes back.
    for (const leaving of [last!, members[2]!]) {
      leaving.wanted = 0;
      set.changed(leaving);
    }
    second!.wanted = POLLWRNORM;
    set.changed(second!);
    const inside = [first!, members[3]!, second!];
    expect(fake.entries()).to.deep.equal([WAKE, ...inside.map(entryOf)]);
    for (const member of inside) expect(fake.entries()[member.place]?.socket).to.equal(member.socket);
  });

  it('a thousand random changes: the array is exactly those that wait', () => {
    const { fake, set, members } = setOf(40);
    let state = 7;
    const random = (below: number): number => (state = (state * 48271) % 2147483647) % below;
    for (let step = 0; step < 1000; step++) {
      const member = members[random(members.length)]!;
      member.wanted = [0, POLLRDNORM, POLLWRNORM][random(3)] ?? 0;
      set.changed(member);
      const entries = fake.entries();
      const waiting = members.filter(({ wanted }) => wanted !== 0);
      expect(entries.length).to.equal(1 + waiting.length);
      for (const one of waiting) expect(entries[one.place]).to.deep.equal(entryOf(one));
    }
  });

  it('entering and leaving look at no other entry: the same work at 10 sockets as at 10 000', () => {
    // Counted as writes to native memory by how many entries differ, which is what O(1) means here.
    for (const count of [10, 10_000]) {
      const { fake, set, members } = setOf(count);
      const before = fake.entries();
      members[0]!.wanted = 0;
      set.changed(members[0]!);
      const after = fake.entries();
      const changed = after.filter(({ socket }, place) => socket !== before[place]?.socket);
      expect(changed.length, `of ${count}`).to.equal(1);
    }
  });

  it('grows beyond its first 256 entries and keeps every one', () => {
    const { fake, members } = setOf(1000);
    expect(fake.entries()).to.deep.equal([WAKE, ...members.map(entryOf)]);
  });

  it('calls those that have something, and no others', () => {
    const { fake, set, members } = setOf(300);
    fake.revents.set(members[7]!.socket, POLLRDNORM).set(members[299]!.socket, POLLERR);
    const count = set.poll();
    expect(count).to.equal(2);
    dispatchAll(set, count);
    expect(members.filter(({ told }) => told.length > 0)).to.deep.equal([members[7], members[299]]);
    expect(members[299]!.told).to.deep.equal([POLLERR]);
  });

  describe('while the waiter has the array', () => {
    it('changes are put off, and interrupt the wait once', () => {
      const { fake, set, members } = setOf(3);
      set.wait();
      const late = new Member(4);
      const before = fake.entries();
      for (const member of [late, members[0]!, members[0]!, members[1]!]) {
        if (member !== late) member.wanted = 0;
        set.changed(member);
      }
      expect(fake.entries(), 'untouched').to.deep.equal(before);
      expect(fake.wakeUps).to.equal(1);
      expect(set.waiting).to.equal(true);
      fake.wait();
      expect(set.take()).to.equal(0);
      expect(fake.wakeUps, 'drained').to.equal(0);
      expect(fake.entries()).to.have.deep.members([WAKE, entryOf(members[2]!), entryOf(late)]);
    });

    it('an interruption that could not be sent is sent with the next change', () => {
      const { fake, set, members } = setOf(2);
      const { ws2_32 } = fake.parts.platform;
      const WSASendTo = ws2_32.WSASendTo.bind(ws2_32);
      set.wait();
      Object.assign(ws2_32, {
        WSASendTo: () => {
          throw new RangeError('Maximum call stack size exceeded');
        },
      });
      members[0]!.wanted = 0;
      expect(() => set.changed(members[0]!)).to.throw(RangeError);
      Object.assign(ws2_32, { WSASendTo });
      members[1]!.wanted = 0;
      set.changed(members[1]!);
      expect(fake.wakeUps).to.equal(1);
      fake.wait();
      set.take();
      expect(fake.entries()).to.have.deep.members([WAKE]);
    });

    it('the next wait can be interrupted again', () => {
      const { fake, set, members } = setOf(1);
      for (let round = 0; round < 3; round++) {
        set.wait();
        members[0]!.wanted = round % 2 === 0 ? 0 : POLLRDNORM;
        set.changed(members[0]!);
        expect(fake.wakeUps).to.equal(1);
        fake.wait();
        set.take();
        expect(fake.wakeUps).to.equal(0);
      }
    });

    it('one that left meanwhile is not called with what the wait found for it', () => {
      const { fake, set, members } = setOf(2);
      set.wait();
      members[0]!.wanted = 0;
      set.changed(members[0]!);
      for (const { socket } of members) fake.revents.set(socket, POLLRDNORM);
      fake.wait();
      const count = set.take();
      dispatchAll(set, count);
      expect(members.map(({ told }) => told.length)).to.deep.equal([0, 1]);
    });

    it('many enter at once: the array grows when the waiter no longer uses it', () => {
      const { fake, set } = setOf(250);
      set.wait();
      const late = Array.from({ length: 600 }, (_, index) => new Member(4 + index * 4));
      for (const member of late) set.changed(member);
      expect(fake.wakeUps).to.equal(1);
      fake.wait();
      set.take();
      expect(fake.entries().length).to.equal(1 + 250 + 600);
    });
  });

  describe('a pending connect', () => {
    it('is looked at every 250 ms, and limits the wait meanwhile', () => {
      const { fake, set } = setOf(0);
      expect(fake.limitMs, 'no limit without one').to.equal(0);
      const member = new Member(4, POLLWRNORM);
      member.connecting = true;
      set.changed(member);
      expect(fake.limitMs).to.equal(250);
      fake.now = 1000;
      dispatchAll(set, set.poll());
      expect(member.told, 'a look').to.deep.equal([0]);
      fake.now = 1200;
      dispatchAll(set, set.poll());
      expect(member.told, 'not yet again').to.deep.equal([0]);
      fake.now = 1250;
      dispatchAll(set, set.poll());
      expect(member.told).to.deep.equal([0, 0]);
      member.connecting = false;
      member.wanted = 0;
      set.changed(member);
      expect(fake.limitMs).to.equal(0);
    });

    it('that the poll did report is reported once', () => {
      const { fake, set } = setOf(0);
      const member = new Member(4, POLLWRNORM);
      member.connecting = true;
      set.changed(member);
      fake.now = 1000;
      fake.revents.set(4, POLLWRNORM);
      dispatchAll(set, set.poll());
      expect(member.told).to.deep.equal([POLLWRNORM]);
    });
  });
});
