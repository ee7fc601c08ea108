import { expect } from 'chai';
import fc from 'fast-check';
import { Fifo } from '../../src/util/fifo.ts';

describe('Fifo', () => {
  it('gives back in order what was put in, also across the growth of the ring', () => {
    const fifo = new Fifo<number>();
    for (let index = 0; index < 1000; index++) fifo.push(index);
    expect(fifo.length).to.equal(1000);
    for (let index = 0; index < 1000; index++) expect(fifo.shift()).to.equal(index);
    expect(fifo.length).to.equal(0);
    expect(fifo.shift()).to.equal(undefined);
  });

  it('behaves as an array does, whatever the order of the calls', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.integer() },
      { weight: 2, arbitrary: fc.constant('shift' as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
        const fifo = new Fifo<number>();
        const model: number[] = [];
        for (const each of steps) {
          if (each === 'shift') expect(fifo.shift()).to.equal(model.shift());
          else {
            fifo.push(each);
            model.push(each);
          }
          expect(fifo.length).to.equal(model.length);
          expect([...fifo], 'looked at, not taken').to.deep.equal(model);
        }
      }),
    );
  });

  it('grows while its content wraps around the end of the ring', () => {
    const fifo = new Fifo<number>();
    let [next, expected] = [0, 0];
    for (let round = 0; round < 10; round++) {
      for (let count = 0; count < 50; count++) fifo.push(next++);
      for (let count = 0; count < 30; count++) expect(fifo.shift()).to.equal(expected++);
    }
    expect(fifo.length).to.equal(200);
  });
});
