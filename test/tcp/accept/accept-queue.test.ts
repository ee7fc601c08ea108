import { expect } from 'chai';
import { AcceptQueue } from '../../../src/tcp/accept/accept-queue.ts';
import { AcceptRequest } from '../../../src/tcp/requests.ts';

describe('AcceptQueue', () => {
  const request = (): AcceptRequest => new AcceptRequest(() => undefined, undefined);

  it('gives back in order', () => {
    const queue = new AcceptQueue();
    const [a, b] = [request(), request()];
    expect(queue.shift()).to.equal(undefined);
    queue.push(a);
    queue.push(b);
    expect([...queue]).to.deep.equal([a, b]);
    expect([queue.length, queue.shift(), queue.shift(), queue.shift(), queue.length]).to.deep.equal([
      2,
      a,
      b,
      undefined,
      0,
    ]);
  });

  for (const gone of [0, 1, 2, 3]) {
    it(`lets number ${gone} of four leave, once`, () => {
      const queue = new AcceptQueue();
      const all = [request(), request(), request(), request()];
      for (const each of all) queue.push(each);
      const [leaving] = all.splice(gone, 1);
      expect(queue.remove(leaving!)).to.equal(true);
      expect(queue.remove(leaving!)).to.equal(false);
      expect([...queue]).to.deep.equal(all);
      const late = request();
      queue.push(late);
      expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).to.deep.equal([...all, late]);
      expect(queue.length).to.equal(0);
      queue.push(leaving!);
      expect(queue.shift()).to.equal(leaving);
    });
  }
});
