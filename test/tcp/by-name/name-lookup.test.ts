/** What resolvers answer, and what is made of it. */
import type { LookupFunction } from 'node:net';
import { expect } from 'chai';
import { formatIpAddress } from '../../../src/pal/ip-address.ts';
import { lookUp } from '../../../src/tcp/by-name/name-lookup.ts';

interface Answer {
  readonly error: unknown;
  readonly addresses: string[];
}

/** Asks for IPv6 addresses; every answer that came. */
function ask(lookup: LookupFunction, family: 4 | 6 = 6): Answer[] {
  const answers: Answer[] = [];
  lookUp(lookup, 'host.test', family, (error, addresses) => {
    answers.push({ error, addresses: addresses.map(formatIpAddress) });
  });
  return answers;
}

const answering =
  (error: unknown, result: unknown): LookupFunction =>
  (_name, _options, callback) => {
    callback(error as null, result as never);
  };

describe('a lookup', () => {
  it('asks for all addresses of one family', () => {
    const asked: unknown[] = [];
    ask((name, options, callback) => {
      asked.push(name, options);
      callback(null, []);
    });
    expect(asked).to.deep.equal(['host.test', { family: 6, all: true }]);
  });

  it('takes a list, and each address once', () => {
    const list = ['2001:db8::2', '::1', '2001:DB8:0::2'].map((address) => ({ address, family: 6 }));
    expect(ask(answering(null, list))).to.deep.equal([{ error: null, addresses: ['2001:db8::2', '::1'] }]);
  });

  it('takes a single address, with its scope', () => {
    expect(ask(answering(null, 'fe80::1%3'))).to.deep.equal([{ error: null, addresses: ['fe80::1%3'] }]);
  });

  it('leaves out the other family, which some resolvers bring along', () => {
    const both = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    expect(ask(answering(null, both), 4)[0]?.addresses).to.deep.equal(['127.0.0.1']);
    expect(ask(answering(null, both), 6)[0]?.addresses).to.deep.equal(['::1']);
  });

  it('passes errors on, answered or thrown', () => {
    const error = new Error('no');
    expect(ask(answering(error, undefined))).to.deep.equal([{ error, addresses: [] }]);
    const thrown = ask(() => {
      throw error;
    });
    expect(thrown).to.deep.equal([{ error, addresses: [] }]);
  });

  for (const rubbish of [undefined, null, 7, 'host.test', [{}], [null], [{ address: 7 }], [{ address: '1.2.3' }]]) {
    it(`refuses ${JSON.stringify(rubbish)} as an answer`, () => {
      const [answer] = ask(answering(null, rubbish));
      expect(answer?.error).to.be.instanceOf(TypeError).and.to.include({ code: 'ERR_INVALID_IP_ADDRESS' });
      expect((answer?.error as Error).message).to.match(/which is no IP address$/);
    });
  }

  it('answers also where the answer cannot even be read or printed', () => {
    const hidden = {
      get address(): string {
        throw new Error('not for you');
      },
    };
    for (const rubbish of [hidden, { address: Object.create(null) as unknown }]) {
      for (const result of [rubbish, [rubbish]]) {
        const [answer] = ask(answering(null, result));
        expect(answer?.error).to.be.instanceOf(Error);
        expect(answer?.addresses).to.deep.equal([]);
      }
    }
  });

  it('counts the first answer only', () => {
    const answers = ask((_name, _options, callback) => {
      callback(null, [{ address: '::1', family: 6 }]);
      callback(new Error('too late'), []);
      throw new Error('later still');
    });
    expect(answers).to.deep.equal([{ error: null, addresses: ['::1'] }]);
  });
});
