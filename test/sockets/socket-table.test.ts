import { expect } from 'chai';
import type { AnyHandle } from '../../src/index.ts';
import { Connection } from '../../src/tcp/connection/connection.ts';
import { connectionKind } from '../../src/tcp/connection-kind.ts';
import { isSmallInteger } from '../support/small-integer.ts';
import { MAX_GENERATIONS, MAX_SOCKETS, SocketTable } from '../../src/sockets/socket-table.ts';

describe('SocketTable', () => {
  let table: SocketTable;
  beforeEach(() => {
    table = new SocketTable(0);
  });
  const add = () => table.add((handle: AnyHandle) => new Connection(connectionKind, handle, 4, 0, undefined))!;

  it('finds each socket by its handle, and by no other', () => {
    const [first, second] = [add(), add()];
    expect(table.find(first.handle)).to.equal(first);
    expect(table.find(second.handle)).to.equal(second);
    expect(table.size).to.equal(2);
    expect([...table]).to.deep.equal([first, second]);
    for (const other of [0, -1, 1.5, Number.NaN, first.handle + 0.5, first.handle + 2 * MAX_SOCKETS]) {
      expect(table.find(other), String(other)).to.equal(undefined);
      expect(table.whyNot(other), String(other)).to.equal('unknown');
    }
  });

  it('gives the place of a closed socket to the next, under another handle', () => {
    const first = add();
    table.remove(first);
    const second = add();
    expect(second.handle % MAX_SOCKETS).to.equal(first.handle % MAX_SOCKETS);
    expect(second.handle).to.not.equal(first.handle);
    expect(table.find(first.handle)).to.equal(undefined);
    expect(table.whyNot(first.handle)).to.equal('closed');
    expect(table.find(second.handle)).to.equal(second);
    table.remove(second);
    expect(table.whyNot(second.handle)).to.equal('closed');
    expect(table.size).to.equal(0);
  });

  it('never gives 0, and tells handles apart far beyond 2^32', () => {
    // Generations grow by one with each use of a place: after 4096 of them a handle needs more than 32 bits.
    const keep = add();
    const seen = new Set<number>();
    let last = 0 as AnyHandle;
    for (let use = 0; use < 10_000; use++) {
      const record = add();
      expect(record.handle).to.be.above(0);
      expect(seen.has(record.handle)).to.equal(false);
      seen.add(record.handle);
      expect(table.find(record.handle)).to.equal(record);
      expect(record.keyHigh * 2 ** 32 + record.keyLow, 'the completion key').to.equal(record.handle);
      table.remove(record);
      last = record.handle;
    }
    expect(last).to.be.above(2 ** 32);
    expect(table.whyNot(last)).to.equal('closed');
    expect(table.find(keep.handle)).to.equal(keep);
  });

  it('gives out handles that take no memory, as long as they are small', () => {
    const given: boolean[] = [];
    const note = (handle: AnyHandle): Connection => {
      given.push(isSmallInteger(handle), handle < 2 ** 31);
      return new Connection(connectionKind, handle, 4, 0, undefined);
    };
    for (let use = 0; use < 3000; use++) {
      table.remove(table.add(note)!);
      expect(given[0], `use ${use}`).to.equal(given[1]);
      given.length = 0;
    }
    new SocketTable(1).add(note);
    expect(given, 'of the second PAL').to.deep.equal([false, false]);
  });

  it('refuses to remove a socket twice', () => {
    const record = add();
    table.remove(record);
    expect(() => table.remove(record)).to.throw(/removed twice/);
  });

  it('tells the handles of other PALs from its own, and from what nobody has given out', () => {
    const numbers = [0, 1, 2, 8191];
    const tables = numbers.map((pal) => new SocketTable(pal));
    const handles = tables.map(
      (one) => one.add((handle: AnyHandle) => new Connection(connectionKind, handle, 4, 0, undefined))!.handle,
    );
    expect(new Set(handles).size).to.equal(numbers.length);
    for (const handle of handles) expect(handle).to.satisfy(Number.isSafeInteger);
    for (const [place, one] of tables.entries()) {
      for (const [other, handle] of handles.entries()) {
        if (other === place) continue;
        expect(one.find(handle)).to.equal(undefined);
        expect(one.whyNot(handle), `${handle} of PAL ${numbers[other]}`).to.equal('foreign');
      }
      for (const none of [
        2 ** 53,
        -Number(handles[3]),
        0,
        '1048576',
        null,
        undefined,
        1048576n,
        Symbol('handle'),
        {},
      ]) {
        expect(one.find(none as number), typeof none).to.equal(undefined);
        expect(one.whyNot(none), typeof none).to.equal('unknown');
      }
    }
  });

  it('no longer uses a place whose generations are used up, and never gives a handle twice', () => {
    const last = new SocketTable(8191);
    const next = () => last.add((handle: AnyHandle) => ({ handle }) as unknown as Connection)!;
    let previous = 0;
    let rising = true;
    for (let use = 0; use < MAX_GENERATIONS; use++) {
      const record = next();
      rising &&= record.handle > previous;
      previous = record.handle;
      last.remove(record);
    }
    expect(rising).to.equal(true);
    expect(previous).to.satisfy(Number.isSafeInteger);
    expect(previous % MAX_SOCKETS, 'the same place all the time').to.equal(0);
    expect(last.whyNot(previous)).to.equal('closed');
    const fresh = next();
    expect(fresh.handle % MAX_SOCKETS).to.equal(1);
    expect(last.size).to.equal(1);
    expect([...last]).to.deep.equal([fresh]);
    expect(last.whyNot(previous)).to.equal('closed');
  });
});
