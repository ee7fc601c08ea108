/** The bundle of require(): what never changes is declared so that V8 knows it. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { bundleCommonJs } from '../../scripts/bundle.mjs';
import { nameConstants } from '../../scripts/name-constants.mjs';
import { root } from '../../scripts/paths.mjs';
import { remove } from '../../scripts/remove.mjs';

describe('the constants of a bundle', () => {
  it('are declared as such, in as many letters', () => {
    expect(nameConstants('var a = 1;\nvar $b_2 = class {\n};\n')).to.equal('const a=1;\nconst $b_2=class {\n};\n');
  });

  it('are those alone that have their value from the beginning', () => {
    for (const text of ['var a;', 'var { a } = b;', 'var a, b = 1;', 'var a = 1, b = 2;']) {
      expect(nameConstants(text)).to.equal(text);
    }
  });

  it('are given no other value in any way that there is', () => {
    const changes = [
      'a = 2;',
      'a += 2;',
      'a ??= 2;',
      'a >>>= 2;',
      'a++;',
      '--a;',
      '[b, a] = c;',
      '[...a] = c;',
      '({ b: a } = c);',
      '({ a } = c);',
      '({ a = 1 } = c);',
      'for (a of c) ;',
      'for (a in c) ;',
      'for ([a] of c) ;',
      'function f() { (a) = 2; }',
      'var f = () => { a = 2; };',
    ];
    for (const change of changes) {
      expect(nameConstants(`var a = 1;\n${change}`), change).to.match(/^var a = 1;\n/);
    }
  });

  it('may have fields that change', () => {
    for (const change of ['a.b = 2;', 'c[a] = 2;', 'a.b++;', '[a.b] = c;', '-a;', 'for (a.b of c) ;']) {
      expect(nameConstants(`var a = 1;\n${change}`), change).to.equal(`const a=1;\n${change}`);
    }
  });

  it('are at the top, and nothing that only looks like one is touched', () => {
    const text = 'f = () => {\n  var a = 1;\n};\nif (b) {\nvar c = 1;\n}\ng = `\nvar d = 1;\n`;\n/*\nvar e = 1;\n*/\n';
    expect(nameConstants(text)).to.equal(text);
  });

  it('are all that the library has at the top, and it is the library still', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-bundle-'));
    try {
      const file = path.join(folder, 'index.cjs');
      await bundleCommonJs(path.join(root, 'src', 'index.ts'), file);
      const text = readFileSync(file, 'utf8');
      const ofClasses = text.match(/^const \w+ ?= ?class /gm) ?? [];
      expect(ofClasses.length).to.be.above(20);
      expect(text).not.to.match(/^var \w+ = (class|\d)/m);
      const library = createRequire(file)(file) as { createNetworkPal: unknown };
      expect(library.createNetworkPal).to.be.a('function');
    } finally {
      remove(folder);
    }
  });
});
