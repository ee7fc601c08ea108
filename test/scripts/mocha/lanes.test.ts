/** What runs at a time is shown as if one had followed the other. */
import { expect } from 'chai';
import { sideBySide, type Print } from '../../../scripts/mocha/lanes.mjs';

/** A run that prints when told to, and ends when told to. */
class Run {
  print: Print = () => undefined;
  end!: (result: string) => void;
  fail!: (error: Error) => void;
  readonly start = (print: Print): Promise<string> => {
    this.print = print;
    return new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
  };
}

describe('runs side by side', () => {
  let shown: string[];
  let runs: [Run, Run, Run];
  let all: Promise<string[]>;

  beforeEach(() => {
    shown = [];
    runs = [new Run(), new Run(), new Run()];
    all = sideBySide(
      runs.map(({ start }) => start),
      (_stream, chunk) => shown.push(String(chunk)),
    );
    for (const [index, { print }] of runs.entries()) print('stdout', `${index}a`);
  });

  it('show what the first prints, and what others print once those before them have ended', async () => {
    expect(shown).to.deep.equal(['0a']);
    runs[1].end('one');
    await Promise.resolve();
    runs[0].print('stderr', '0b');
    expect(shown, 'while the first runs').to.deep.equal(['0a', '0b']);
    runs[0].end('zero');
    await new Promise(setImmediate);
    expect(shown, 'when two have ended').to.deep.equal(['0a', '0b', '1a', '2a']);
    runs[2].print('stdout', '2b');
    runs[2].end('two');
    expect(await all).to.deep.equal(['zero', 'one', 'two']);
    expect(shown).to.deep.equal(['0a', '0b', '1a', '2a', '2b']);
  });

  it('show all that was kept when one of them fails', async () => {
    runs[1].fail(new Error('on purpose'));
    const error: unknown = await all.catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'on purpose');
    expect(shown).to.deep.equal(['0a', '1a', '2a']);
  });
});
