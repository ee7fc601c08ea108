/** A soak of a few seconds: too short for a verdict on growth, long enough to see that `npm run soak` works at all. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { SoakOptions } from './options.ts';
import { SERVING_SOCKETS, type SoakResult } from './samples.ts';
import { judge } from './verdict.ts';
import { remove } from '../../scripts/remove.mjs';

const OPTIONS: SoakOptions = {
  profile: 'mixed',
  seconds: 3,
  seed: 5,
  faults: 200,
  only: '',
  chart: undefined,
  json: undefined,
};
const FOLDER = '.build';

describe('a short soak', () => {
  let child: ChildProcess | undefined;
  // Whatever becomes of the test.
  afterEach(() => void child?.kill('SIGKILL'));

  /** Runs one of the programs to its end, and returns what it left. */
  async function soaked(program: string, options: SoakOptions): Promise<SoakResult> {
    // From source this file ends in .ts, from its compiled copy in .js; so do its neighbours.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const script = fileURLToPath(new URL(`./${program}.${extension}`, import.meta.url));
    mkdirSync(FOLDER, { recursive: true });
    const file = path.join(FOLDER, `short-soak-${process.pid}.json`);
    try {
      child = spawn(process.execPath, ['--expose-gc', script, JSON.stringify(options), file], {
        stdio: 'inherit',
      });
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(code).to.equal(0);
      return JSON.parse(readFileSync(file, 'utf8')) as SoakResult;
    } finally {
      remove(file);
    }
  }

  it('holds conversations under injected failures, and leaves nothing behind', async () => {
    const result = await soaked('main', OPTIONS);
    expect(judge(result).reasons).to.deep.equal([]);
    expect(judge(result).sessions).to.be.above(20);
    expect(result.bytesVerified).to.be.above(10_000);
    const rests = result.samples.filter(({ when }) => when === 'rest');
    expect(rests).to.not.be.empty;
    for (const { sockets, queuedBytes } of rests)
      expect({ sockets, queuedBytes }).to.deep.equal({ sockets: SERVING_SOCKETS, queuedBytes: 0 });
    expect(rests.every(({ handles }) => handles > 10)).to.equal(true);
  });

  it('relays live streams, loses a process in the middle of them, and leaves nothing behind', async () => {
    // Those that wait until they are thrown out take ten seconds.
    const result = await soaked('live/main', { ...OPTIONS, profile: 'live', faults: 0, only: 'resets' });
    expect(judge(result).reasons).to.deep.equal([]);
    expect(result.outcomes['other process']).to.deep.equal({ done: 1, broken: 0 });
    expect(result.bytesVerified).to.be.above(10_000);
    const rests = result.samples.filter(({ when }) => when === 'rest');
    for (const { sockets, queuedBytes } of rests) expect([sockets, queuedBytes]).to.deep.equal([1, 0]);
    expect(rests).to.not.be.empty;
  });
});
