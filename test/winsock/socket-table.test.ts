import { expect } from 'chai';
import type { AnyHandle } from '../../src/index.ts';
import { Connection } from '../../src/winsock/connection.ts';
import { MAX_SOCKETS, SocketTable } from '../../src/winsock/socket-table.ts';

describe('SocketTable', () => {
  let table: SocketTable;
  beforeEach(() => {
    table = new SocketTable();
  });
  const add = () => table.add((handle: AnyHandle) => new Connection(handle, 4, 0, undefined))!;

  it('finds each socket by its handle, and by no other', () => {
    const [first, second] = [add(), add()];
    expect(table.find(first.handle)).to.equal(first);
    expect(table.find(second.handle)).to.equal(second);
    expect(table.size).to.equal(2);
    expect([...table]).to.deep.equal([first, second]);
    for (const other of [0, -1, 1.5, Number.NaN, first.handle + 0.5, first.handle + 2 * MAX_SOCKETS]) {
      expect(table.find(other), String(other)).to.equal(undefined);
      expect(table.wasClosed(other), String(other)).to.equal(false);
    }
  });

  it('gives the place of a closed socket to the next, under another handle', () => {
    const first = add();
    table.remove(first);
    const second = add();
    expect(second.handle % MAX_SOCKETS).to.equal(first.handle % MAX_SOCKETS);
    expect(second.handle).to.not.equal(first.handle);
    expect(table.find(first.handle)).to.equal(undefined);
    expect(table.wasClosed(first.handle)).to.equal(true);
    expect(table.wasClosed(second.handle)).to.equal(false);
    table.remove(second);
    expect(table.wasClosed(second.handle)).to.equal(true);
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
    expect(table.wasClosed(last)).to.equal(true);
    expect(table.find(keep.handle)).to.equal(keep);
  });

  it('refuses to remove a socket twice', () => {
    const record = add();
    table.remove(record);
    expect(() => table.remove(record)).to.throw(/removed twice/);
  });
});
