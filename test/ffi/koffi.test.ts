/** Where a waiter's thread may load koffi from: the add-on is found among all modules of the process. */
import { expect } from 'chai';
import { createRequire } from 'node:module';
import { koffiFiles } from '../../ffi/koffi.ts';

const { cache } = createRequire(import.meta.url);

describe('the files of koffi', () => {
  it('are the add-on that this process has loaded, then its main file', () => {
    const files = koffiFiles();
    expect(files.map((file) => /koffi.*\.(node|cjs)$/.exec(file)?.[1])).to.deep.equal(['node', 'cjs']);
  });

  for (const [what, module] of [
    ['whose exports throw when an unknown name is asked of them', { filename: '/strict.js', exports: throwing() }],
    ['without a file name', { exports: {} }],
  ] as const) {
    it(`are found beside a module ${what}`, () => {
      const place = '0'; // such a name comes before all others
      cache[place] = module as unknown as NodeJS.Module;
      try {
        expect(koffiFiles()).to.have.length(2);
      } finally {
        Reflect.deleteProperty(cache, place);
      }
    });
  }
});

/** As test/common of Node's own tests exports it. */
function throwing(): object {
  return new Proxy({}, { get: (_, name) => expect.fail(`asked for ${String(name)}`) });
}
