/** What the answers of `npm run node-tests` mean. */
import { expect } from 'chai';
import type { Answer, Answers } from '../../../scripts/node-tests/answers.mjs';
import { expectedTable, judge, resultsTable, withSection } from '../../../scripts/node-tests/judge.mjs';
import type { Kind, TestFile } from '../../../scripts/node-tests/test-file.mjs';

const answer = (outcome: Answer['outcome']): Answer => ({ outcome, says: '', seconds: 1 });
const file = (name: string, kind: Kind = 'public'): TestFile => ({ name, kind, group: 'net', path: name, flags: [] });

const files = ['good', 'bad', 'known', 'mended', 'slow', 'elsewhere', 'unasked', 'skipped'].map((name) => file(name));
const answers: Answers = {
  good: { plain: answer('passed'), ours: answer('passed') },
  bad: { plain: answer('passed'), ours: answer('failed') },
  known: { plain: answer('passed'), ours: answer('failed') },
  mended: { plain: answer('passed'), ours: answer('passed') },
  slow: { plain: answer('passed'), ours: answer('timed out') },
  elsewhere: { plain: answer('failed'), ours: answer('failed') },
  unasked: { plain: answer('passed') },
  skipped: { plain: answer('skipped'), ours: answer('skipped') },
};
const expected = { known: 'It reads a field of libuv.', mended: 'It did.' };

describe('the verdict on the module under test', () => {
  it('counts what passes on plain node.exe, and tells what is explained from what is not', () => {
    const names = Object.entries(judge(files, answers, expected)).map(([what, some]) => [
      what,
      some.map(({ name }) => name).join(' '),
    ]);
    expect(Object.fromEntries(names)).to.deep.equal({
      counted: 'good bad known mended slow',
      passed: 'good mended',
      explained: 'known',
      unexplained: 'bad slow',
      outdated: 'mended',
    });
  });

  it('is a table, a row for each kind, which does not round up', () => {
    const some = [...files, file('inside', 'internals')];
    const rows = resultsTable(some, { ...answers, inside: answers['bad']! }, expected).split('\n');
    expect(rows.map((row) => row.replaceAll(/ +/g, ' '))).to.deep.equal([
      '| tests of | which need | files | pass on plain node | of those asked | pass with iocp-pal | share |',
      rows[1],
      '| net | the public API alone | 8 | 6 | 5 | 2 | 40 % |',
      '| net | internals | 1 | 1 | 1 | 0 | 0 % |',
      '| net | all | 9 | 7 | 6 | 2 | 33.3 % |',
    ]);
    expect(new Set(rows.map(({ length }) => length)).size).to.equal(1);
  });

  it('is written between the two marks of a page', () => {
    const page = '# Page\n\n<!-- results -->\n\nold\n\n<!-- end of results -->\n\nmore\n';
    expect(withSection(page, 'results', 'new')).to.equal(page.replace('old', 'new'));
    expect(() => withSection(page, 'failures', 'new')).to.throw('no <!-- failures -->');
  });

  it('has the reasons of expected failures in a table of their own', () => {
    expect(expectedTable({ b: 'Because.', a: 'Why not.' }).split('\n')).to.deep.equal([
      '| file | why it fails |',
      '| ---- | ------------ |',
      '| `a`  | Why not.     |',
      '| `b`  | Because.     |',
    ]);
  });
});
