import { expect } from 'chai';
import { shown } from '../../src/util/shown.ts';

class Tagged {
  get [Symbol.toStringTag](): string {
    throw new Error('its tag');
  }
}

const untraceable = new Error('x');
Object.defineProperty(untraceable, 'stack', {
  get: () => {
    throw new Error('its stack');
  },
});

describe('shown', () => {
  for (const [name, value] of Object.entries({
    'an object whose tag throws': new Tagged(),
    'an error whose stack throws': untraceable,
  })) {
    it(`does without the contents of ${name}`, () => {
      expect(shown(value)).to.equal('an object');
    });
  }

  it('shows a Proxy without asking it', () => {
    const asked = (): never => expect.fail('asked');
    expect(shown(new Proxy({}, { get: asked, ownKeys: asked, getPrototypeOf: asked }))).to.contain('Proxy');
  });
});
