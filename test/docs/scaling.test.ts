/** docs/scaling.md shows the configuration of HAProxy that test/package/haproxy.test.ts runs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { root } from '../../scripts/paths.mjs';
import { configuration } from '../package/balanced/haproxy.ts';

describe('docs/scaling.md', () => {
  it('has the configuration that is tested', () => {
    const page = readFileSync(path.join(root, 'docs', 'scaling.md'), 'utf8');
    const shown = /<!-- haproxy.cfg -->\s+```\n([^]*?)```/.exec(page)?.[1];
    const addresses = ['one', 'two', 'three'].map((name, index): [string, string] => [
      name,
      `10.0.0.${index + 1}:1935`,
    ]);
    expect(shown).to.equal(configuration(':1935', '/run/haproxy/admin.sock', addresses));
  });
});
