import { expect } from 'chai';
import { AcceptDepth } from '../../../src/tcp/accept/accept-depth.ts';

/** One turn of the loop takes so many connections. */
let turn = 0;
function take(depth: AcceptDepth, count: number): void {
  turn++;
  for (let left = count; left > 0; left--) depth.taken(turn);
}

describe('AcceptDepth', () => {
  it('stays where it is while turns take less than half of it', () => {
    const depth = new AcceptDepth(32, 512);
    for (let turns = 0; turns < 100; turns++) take(depth, 15);
    expect(depth.current).to.equal(32);
    expect(depth.isGrown).to.equal(false);
  });

  it('doubles as soon as one turn takes half of it, and ends up twice as deep as a turn takes', () => {
    const depth = new AcceptDepth(32, 512);
    take(depth, 16);
    expect(depth.current).to.equal(64);
    take(depth, 100);
    expect(depth.current, 'more than twice 100').to.equal(256);
    expect(depth.isGrown).to.equal(true);
  });

  it('goes from 32 to its end in three turns that find every accept taken', () => {
    const depth = new AcceptDepth(32, 512);
    const depths = [0, 0, 0].map(() => {
      take(depth, depth.current);
      return depth.current;
    });
    expect(depths).to.deep.equal([128, 512, 512]);
  });

  it('counts each turn by itself', () => {
    const depth = new AcceptDepth(8, 64);
    for (const number of [1, 2, 3, 4, 5, 6, 7, 8]) depth.taken(number);
    expect(depth.current).to.equal(8);
  });

  it('halves when no turn needed an eighth of it since the last time, down to its minimum', () => {
    const depth = new AcceptDepth(24, 512);
    take(depth, 400);
    expect(depth.current).to.equal(512);
    depth.relax();
    expect(depth.current, 'the burst was in that time').to.equal(512);
    take(depth, 64);
    depth.relax();
    expect(depth.current, 'an eighth is needed').to.equal(512);
    take(depth, 63);
    const depths = [256, 128, 64, 32, 24, 24].map(() => {
      depth.relax();
      return depth.current;
    });
    expect(depths).to.deep.equal([256, 128, 64, 32, 24, 24]);
    expect(depth.isGrown).to.equal(false);
  });

  it('does not go to and fro: what it shrinks to is not what the same load makes it grow from', () => {
    for (let perTurn = 1; perTurn <= 300; perTurn++) {
      const depth = new AcceptDepth(1, 512);
      for (let turns = 0; turns < 10; turns++) take(depth, perTurn);
      const grown = depth.current;
      for (let times = 0; times < 20; times++) {
        depth.relax();
        take(depth, perTurn);
      }
      const settled = depth.current;
      depth.relax();
      take(depth, perTurn);
      expect(depth.current, `${perTurn} per turn`).to.equal(settled);
      expect(settled).to.equal(grown);
    }
  });

  it('with one bound never changes', () => {
    const depth = new AcceptDepth(10, 10);
    take(depth, 1000);
    depth.relax();
    expect(depth.current).to.equal(10);
    expect(depth.isGrown).to.equal(false);
  });
});
