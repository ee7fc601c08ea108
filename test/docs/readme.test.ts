/** The README and the pages under docs/ must not drift away from the repository they describe. */
import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

describe('README', () => {
  it('shows the echo server as it is in docs/examples', () => {
    const shown = /```ts\n([\s\S]*?)```/.exec(read('README.md'))?.[1];
    expect(shown).to.equal(read('docs/examples/echo-server.ts'));
  });

  it('and docs/udp.md the UDP echo', () => {
    const shown = /```ts\n([\s\S]*?)```/.exec(read('docs/udp.md'))?.[1];
    expect(shown).to.equal(read('docs/examples/udp-echo.ts'));
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const page of pages) {
      for (const [command, name = ''] of read(page).matchAll(/\bnpm run ([a-z][a-z:]*)/g)) {
        expect(scripts, `"${command}" in ${page}`).to.have.property(name);
      }
    }
  });
});

for (const page of pages) {
  describe(page, () => {
    it('has no link to a file or heading that does not exist', () => {
      const text = withoutCode(read(page));
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue; // another site
        const [file = '', heading] = target.split('#');
        const linked = file === '' ? page : path.join(path.dirname(page), file);
        expect(existsSync(path.join(root, linked)), `${page} links to ${target}`).to.equal(true);
        if (heading !== undefined) expect(headings(read(linked)), `${page} links to ${target}`).to.include(heading);
      }
    });
  });
}

/** The names by which GitHub lets headings be linked to. */
function headings(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, (code) => code.slice(1, -1).replace(/[[\]()]/g, ''));
}
