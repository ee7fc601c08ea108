/** Who gets what arrives: one question to the socket at a time, and nothing lost between calls that are taken back. */
import { expect } from 'chai';
import { Inbox } from '../../src/promises/inbox.ts';
import { simulate } from '../../src/simulation/index.ts';
import { failureOf } from '../support/networks.ts';

/** An inbox whose source answers when the test says so. */
function inboxOf(hasRoom?: (held: readonly string[], item: string) => boolean) {
  const { platform } = simulate();
  const asked: ((error: Error | null, items: readonly string[]) => void)[] = [];
  let stops = 0;
  const source = {
    next: (arrived: (error: Error | null, items: readonly string[]) => void) => void asked.push(arrived),
    stop: () => {
      stops++;
    },
  };
  return {
    inbox: new Inbox(source, platform.scheduler, hasRoom),
    arrive: (...items: string[]) => asked.shift()?.(null, items),
    fail: (message: string) => asked.shift()?.(new Error(message), []),
    asked,
    stops: () => stops,
  };
}

describe('promises: an inbox', () => {
  it('asks for one at a time, and serves calls in order', async () => {
    const { inbox, arrive, asked } = inboxOf();
    const calls = [inbox.next(null, {}), inbox.next(null, {})];
    expect(asked.length).to.equal(1);
    arrive('a');
    expect(asked.length).to.equal(1);
    arrive('b');
    expect(asked.length, 'nobody waits').to.equal(0);
    expect(await Promise.all(calls)).to.deep.equal(['a', 'b']);
  });

  it('gives what comes together to who waits, and then to who asks', async () => {
    const { inbox, arrive, asked } = inboxOf();
    const calls = [inbox.next(null, {}), inbox.next((item) => item === 'c', {})];
    arrive('a', 'b', 'c', 'd');
    expect(asked.length, 'nobody waits').to.equal(0);
    expect(await Promise.all(calls)).to.deep.equal(['a', 'c']);
    expect([await inbox.next(null, {}), await inbox.next(null, {})]).to.deep.equal(['b', 'd']);
    expect(asked.length).to.equal(0);
  });

  it('takes its question back when the last call is, and keeps what comes nevertheless', async () => {
    const { inbox, arrive, asked, stops } = inboxOf();
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [failureOf(inbox.next(null, { signal })), failureOf(inbox.next(null, { timeout: 5 }))];
    controller.abort();
    expect((await calls[0])?.code).to.equal('ABORT_ERR');
    expect(stops(), 'the other call still waits').to.equal(0);
    expect((await calls[1])?.code).to.equal('ETIMEDOUT');
    expect(stops()).to.equal(1);
    arrive('late');
    expect(await inbox.next(null, {})).to.equal('late');
    expect(asked.length).to.equal(0);
  });

  it('asks again for a call that comes while the question is being taken back', async () => {
    const { inbox, arrive, fail, asked } = inboxOf();
    await failureOf(inbox.next(null, { timeout: 5 }));
    const call = inbox.next(null, {});
    fail('taken back');
    expect(asked.length).to.equal(1);
    arrive('a');
    expect(await call).to.equal('a');
  });

  it('gives an error to one call only, and asks again for the others', async () => {
    const { inbox, arrive, fail } = inboxOf();
    const calls = [failureOf(inbox.next(null, {})), inbox.next(null, {})] as const;
    fail('broken');
    arrive('a');
    expect([(await calls[0]).message, await calls[1]]).to.deep.equal(['broken', 'a']);
  });

  it('prefers whoever asks for something special, and keeps the rest as far as there is room', async () => {
    const { inbox, arrive } = inboxOf((held) => held.length < 2);
    const special = inbox.next((item) => item === 'special', {});
    for (const item of ['a', 'b', 'dropped', 'special']) arrive(item);
    expect(await special).to.equal('special');
    expect([await inbox.next(null, {}), await inbox.next(null, {})]).to.deep.equal(['a', 'b']);
  });

  it('rejects every call when it is closed, and returns what nobody has taken', async () => {
    const { inbox, arrive } = inboxOf();
    const special = failureOf(inbox.next(() => false, {}));
    arrive('a');
    const left = inbox.close(() => new Error('closed'));
    expect([left, (await special).message]).to.deep.equal([['a'], 'closed']);
  });
});
