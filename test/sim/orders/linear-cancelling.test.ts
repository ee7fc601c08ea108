/** Ending n calls that wait in one queue costs O(n) steps, in whatever way they end and whichever ends first. */
import { expect } from 'chai';
import { startThread } from '../../support/thread.ts';
import { SCENES, WAYS } from '../support/waiting-calls.ts';

/** What ten times as many calls may cost at most, where a walk through the queue for each would cost 100 times as much. */
const MOST = 15;

interface Counted {
  scene: string;
  way: string;
  /** Of ending some calls, and ten times as many. */
  steps: [number, number];
}

describe('ending n calls that wait', () => {
  const counted = new Map<string, [number, number]>();

  before((done) => {
    const thread = startThread(new URL('./children/count-steps', import.meta.url));
    thread.on('message', ({ scene, way, steps }: Counted) => counted.set(`${scene}, ${way}`, steps));
    thread.on('error', done);
    thread.on('exit', () => done());
  });

  for (const scene of Object.keys(SCENES)) {
    for (const way of Object.keys(WAYS)) {
      it(`costs O(n): ${scene}, ${way}`, () => {
        const [few, many] = counted.get(`${scene}, ${way}`) ?? [0, 0];
        expect(few, 'something was counted').to.be.above(0);
        expect(many / few, `${few} and ${many} steps`).to.be.below(MOST);
      });
    }
  }
});
