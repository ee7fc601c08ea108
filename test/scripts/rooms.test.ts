/** The rooms of src/, as docs/design.md lists them and as lint keeps them apart. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { importRules, rooms } from '../../.config/rooms.js';
import { root } from '../../scripts/paths.mjs';

/** Files in a room: more, and it is about more than one thing. */
const MAX_FILES = 16;

describe('rooms', () => {
  const named = rooms.map(({ folder }) => (folder === '.' ? 'src/index.ts' : `src/${folder}`));

  it('stand in docs/design.md in the order that lint keeps', () => {
    const design = readFileSync(path.join(root, 'docs', 'design.md'), 'utf8');
    const listed = [...design.matchAll(/^\| `(src\/[^`]+)` +\|/gm)].map((match) => match[1]);
    expect(listed).to.deep.equal(named);
  });

  it('have a lint rule each, which refuses what stands below', () => {
    const patterns = patternsOf('tcp/accept');
    for (const below of ['../server/server.ts', '../../udp/multicast.ts', '../../index.ts']) {
      expect(isRefused(patterns, below), below).to.equal(true);
    }
    for (const above of ['./listener.ts', '../connection.ts', '../by-name/name-lookup.ts', '../../util/fifo.ts']) {
      expect(isRefused(patterns, above), above).to.equal(false);
    }
    expect(patterns.some((pattern) => pattern.allowTypeImports)).to.equal(false);
  });

  it('of the simulation have such a rule too, and import nothing of what it tests', () => {
    const patterns = patternsOf('sim/kernel');
    for (const refused of ['../win32/ws2_32.ts', '../platform.ts', '../../context/context.ts', '../../tcp/reader.ts']) {
      expect(isRefused(patterns, refused), refused).to.equal(true);
    }
    for (const allowed of ['./socket.ts', '../machine/machine.ts', '../memory/files.ts', '../../memory/operation.ts']) {
      expect(isRefused(patterns, allowed), allowed).to.equal(false);
    }
    expect(patterns.some((pattern) => pattern.allowTypeImports)).to.equal(false);
  });

  for (const { folder } of rooms) {
    it(`${folder} has no more than ${MAX_FILES} files`, () => {
      const files = readdirSync(path.join(root, 'src', folder), { withFileTypes: true }).filter((file) =>
        file.isFile(),
      );
      expect(files.length).to.be.within(1, MAX_FILES);
    });
  }
});

interface Pattern {
  readonly regex: string;
  readonly allowTypeImports: boolean;
}

function patternsOf(folder: string): readonly Pattern[] {
  const rule = importRules().find(({ files }) => files?.[0] === path.posix.join('src', folder, '*.ts'));
  const [, { patterns }] = rule?.rules?.['@typescript-eslint/no-restricted-imports'] as [
    string,
    { patterns: readonly Pattern[] },
  ];
  return patterns;
}

function isRefused(patterns: readonly Pattern[], module: string): boolean {
  return patterns.some(({ regex }) => new RegExp(regex).test(module));
}
