import { expect } from 'chai';
import { LinkedQueue } from '../../src/util/linked-queue.ts';
import { AcceptRequest } from '../../src/tcp/connection/requests.ts';

describe('LinkedQueue', () => {
  const request = (): AcceptRequest => new AcceptRequest(() => undefined, undefined);

  it('gives back in order', () => {
    const queue = new LinkedQueue<AcceptRequest>();
    const [a, b] = [request(), request()];
    expect(queue.shift()).to.equal(null);
    queue.push(a);
    queue.push(b);
    expect([...queue]).to.deep.equal([a, b]);
    expect(queue.first).to.equal(a);
    expect([queue.length, queue.shift(), queue.shift(), queue.shift(), queue.length]).to.deep.equal([2, a, b, null, 0]);
  });

  for (const gone of [0, 1, 2, 3]) {
    it(`lets number ${gone} of four leave, once`, () => {
      const queue = new LinkedQueue<AcceptRequest>();
      const all = [request(), request(), request(), request()];
      for (const each of all) queue.push(each);
      const [leaving] = all.splice(gone, 1);
      queue.remove(leaving!);
      expect([leaving!.previous, leaving!.next], 'its links').to.deep.equal([null, null]);
      expect(() => queue.remove(leaving!), 'again').to.throw('lost its queue');
      expect([...queue]).to.deep.equal(all);
      const late = request();
      queue.push(late);
      expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).to.deep.equal([...all, late]);
      expect(queue.length).to.equal(0);
      queue.push(leaving!);
      expect(queue.shift()).to.equal(leaving);
    });
  }

  it('lets neighbours leave one after the other, in either order', () => {
    for (const first of [0, 1, 2, 3]) {
      for (const second of [first - 1, first + 1]) {
        const queue = new LinkedQueue<AcceptRequest>();
        const all = [request(), request(), request(), request()];
        for (const each of all) queue.push(each);
        const leaving = [all[first], all[second]].filter((each) => each !== undefined);
        for (const each of leaving) queue.remove(each);
        const rest = all.filter((each) => !leaving.includes(each));
        expect([...queue], `${first}, ${second}`).to.deep.equal(rest);
        expect(queue.length).to.equal(rest.length);
      }
    }
  });
});
