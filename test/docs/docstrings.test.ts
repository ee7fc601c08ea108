/** The check behind `npm run docstrings` finds what is missing, and nothing else. */
import { expect } from 'chai';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findUndocumented } from '../../scripts/docstrings.mjs';
import { remove } from '../../scripts/remove.mjs';

/** What the check says about a module, without the place. */
function findings(text: string, classMembers = true): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-docstrings-'));
  try {
    const file = path.join(folder, 'public.ts');
    writeFileSync(file, text);
    const lines = findUndocumented([{ file, classMembers }], { noLib: true, types: [] });
    return lines.map((line) => line.replace(/^.*public\.ts:\d+: /, '')).sort();
  } finally {
    remove(folder);
  }
}

describe('the check of docstrings', () => {
  it('finds names and members without one', () => {
    expect(
      findings('export function open(): void {}\n/** Seen. */\nexport interface Seen { hidden: string }'),
    ).to.deep.equal(['Seen.hidden has no docstring', 'open has no docstring']);
  });

  it('finds methods, members of classes and of constant objects', () => {
    const text = `
      /** A. */ export interface A { read(): void }
      /** B. */ export class B { size = ''; #own = ''; private hidden = ''; static all = '' }
      /** C. */ export const C = { One: 'one' } as const;`;
    expect(findings(text)).to.deep.equal([
      'A.read has no docstring',
      'B.all has no docstring',
      'B.size has no docstring',
      'C.One has no docstring',
    ]);
    expect(findings(text, false)).to.deep.equal(['A.read has no docstring', 'C.One has no docstring']);
  });

  it('finds numbers without a unit: properties, parameters, results', () => {
    const text = `
      /** A. */ export interface A {
        /** How large. */ size: number;
        /** How large, in bytes. */ sizeInBytes: number;
        /** Waits. */ wait(time: number): void;
        /** Waits.
         * @param time milliseconds */ sleep(time: number): void;
        /** The measure of it. */ measure(): number;
        /** The port. */ port(): number;
      }`;
    expect(findings(text)).to.deep.equal([
      'A.measure returns a number, and its docstring names neither a unit nor a range',
      'A.size is a number, and its docstring names neither a unit nor a range',
      "A.wait takes the number 'time', and says nothing about its unit or range",
    ]);
  });

  it('follows exports to where they are made, under the name they have outside', () => {
    const text = `
      /** Does it. */ class Inner { read(): void {} }
      export { Inner as Outer };`;
    expect(findings(text)).to.deep.equal(['Outer.read has no docstring']);
  });
});
