/**
 * Every constant, size and offset of ffi/ against the Windows headers, as the compiler of mingw-w64 sees them: a source
 * beside Microsoft's pages. A generated C file holds one _Static_assert for each; the compiler names those that fail.
 *
 * Runs where x86_64-w64-mingw32-gcc is installed (Debian: gcc-mingw-w64-x86-64-win32, which `npm test` installs on a CI
 * machine), and is skipped elsewhere. Not asked: what test/soak/system-handles.ts says of structs that no header has.
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { expect } from 'chai';
import { ALL_CLAIMS, expansions, GUIDS, MAY_BE_MISSING, program, type Claim } from './header-claims.ts';

const COMPILER = 'x86_64-w64-mingw32-gcc';
/** The compiler takes a second or two; a busy machine more. */
const TIMEOUT_MS = 120_000;

interface Compilation {
  readonly ok: boolean;
  /** Of the compiler. */
  readonly output: string;
}

function run(what: readonly string[], text: string): Compilation {
  const args = ['-x', 'c', '-std=c11', '-fmax-errors=0', '-w', ...what, '-'];
  // English messages, whatever the machine speaks.
  const env = { ...process.env, LC_ALL: 'C' };
  const options = { input: text, encoding: 'utf8', timeout: TIMEOUT_MS, env, maxBuffer: 2 ** 26 } as const;
  const { status, stdout, stderr } = spawnSync(COMPILER, args, options);
  return { ok: status === 0, output: stdout + stderr };
}

/** What the compiler says is wrong, by the claims' names. */
function failing(claims: readonly Claim[]): string[] {
  const { ok, output } = run(['-fsyntax-only'], program(claims));
  if (ok) return [];
  const named = [...output.matchAll(/static assertion failed: "([^"]*)"/g)].map(([, name = '']) => name);
  expect(named, output).to.not.have.lengthOf(0);
  expect(output, output).to.not.match(/undeclared|no member|unknown type|fatal error/);
  return named;
}

const isInstalled = spawnSync(COMPILER, ['--version'], { stdio: 'ignore' }).status === 0;

describe('ffi/ against the Windows headers of mingw-w64', function () {
  this.timeout(TIMEOUT_MS);

  before(function () {
    if (isInstalled) return;
    // A pipeline must not leave it out. On Windows the headers would be another set, and the compiler is not there.
    if (process.env['CI'] !== undefined && process.platform === 'linux') {
      throw new Error(
        `${COMPILER} is not installed: apt-get install --no-install-recommends gcc-mingw-w64-x86-64-win32`,
      );
    }
    this.skip();
  });

  it('every constant, size and offset is what the headers say', () => {
    expect(ALL_CLAIMS).to.have.length.above(250);
    expect(failing(ALL_CLAIMS)).to.deep.equal([]);
  });

  it('a wrong one is noticed, by its name', () => {
    const present = ALL_CLAIMS.filter(({ name }) => !(name in MAY_BE_MISSING));
    const isWrong = (index: number): boolean => index % 50 === 7;
    const claims = present.map((claim, index) => (isWrong(index) ? { ...claim, value: claim.value + 1n } : claim));
    const changed = present.filter((_, index) => isWrong(index)).map(({ name }) => name);
    expect(changed).to.have.length.above(5);
    expect(failing(claims)).to.deep.equal(changed);
  });

  it('what these headers lack is asked for by those that have it', () => {
    const name = 'TCP_KEEPIDLE';
    expect(name in MAY_BE_MISSING).to.equal(true);
    const claims = ALL_CLAIMS.filter((claim) => claim.name === name);
    const { output } = run(['-fsyntax-only', `-D${name}=77`], program(claims));
    expect(output).to.include(`static assertion failed: "${name}"`);
  });

  it('the GUIDs of the extension functions are those of mswsock.h', () => {
    const { ok, output } = run(['-E', '-P'], expansions(Object.keys(GUIDS)));
    expect(ok, output).to.equal(true);
    const found = [...output.matchAll(/^expansion: (.*)$/gm)].map(([, text = '']) => text.match(/(?<=0x)[0-9a-f]+/gi));
    expect(found.map((parts) => parts?.join('').toLowerCase())).to.deep.equal(
      Object.values(GUIDS).map((guid) => guid.replaceAll('-', '')),
    );
  });
});
