/**
 * The library's own code as a ratio: a fixed piece of JavaScript over an echo round trip on the platform that costs nothing, both in
 * the same process, so that the machine's speed cancels out. Where `perf` can count instructions (Linux on most real
 * machines), also those of a round trip: they do not depend on what else a machine does.
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { hostStripsTypes } from '../../scripts/wine.mjs';

const CHILD = 'benchmarks/guard/own-code-child.ts';
const LOADER = hostStripsTypes ? [] : ['--import', './scripts/types/register.mjs'];
/** Round trips of the shorter and the longer run whose instructions are subtracted, so that the start cancels out. */
const FEW = 100_000;
const MANY = 500_000;

/** More is better, as with the other ratios. */
export function measureOwnCode(): Record<string, number> {
  const ratios: Record<string, number> = { 'own code: fixed work / round trip': Number(run([...command(), CHILD])) };
  const few = count(FEW);
  if (few === null) return ratios;
  const many = count(MANY) ?? few;
  const instructions = (many.instructions - few.instructions) / (many.roundTrips - few.roundTrips);
  ratios['own code: round trips / 10 000 instructions'] = 10_000 / instructions;
  return ratios;
}

function command(): string[] {
  return [process.execPath, '--max-semi-space-size=128', ...LOADER];
}

function run([program = '', ...args]: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${CHILD} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Instructions in user mode of about so many round trips, or null where nobody counts them. On one thread, so that it is always the same work. */
function count(wanted: number): { instructions: number; roundTrips: number } | null {
  const perf = ['stat', '-x', ',', '-e', 'instructions:u'];
  const args = [...perf, ...command(), '--single-threaded', CHILD, String(wanted)];
  const { stdout, stderr, error } = spawnSync('perf', args, { encoding: 'utf8' });
  const instructions = error === undefined ? instructionsIn(stderr) : NaN;
  return Number.isNaN(instructions) ? null : { instructions, roundTrips: Number(stdout) };
}

/** Of what `perf stat -x,` prints: "123456,,instructions:u,…", or "<not supported>,,instructions:u,…". */
export function instructionsIn(text: string): number {
  return Number.parseInt(text.split('\n').find((line) => line.includes(',instructions')) ?? '', 10);
}
