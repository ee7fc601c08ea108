/** Servers in C, compiled when they are first asked for: what anybody gets out of the machine, whatever his language costs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isOnPath } from '../../scripts/bed/debian-packages.mjs';
import { removeAtExit } from '../../scripts/remove.mjs';

const COMPILER = 'x86_64-w64-mingw32-gcc';
const built = new Map<string, string>();

/** The program that benchmarks/servers/<name>.c becomes. @throws Error without a compiler, and with what it says */
export function programInC(name: string): string {
  const before = built.get(name);
  if (before !== undefined) return before;
  if (!isOnPath(COMPILER)) throw new Error(`${COMPILER} is not installed: apt-get install gcc-mingw-w64-x86-64-win32`);
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-bench-'));
  removeAtExit(folder);
  const program = path.join(folder, `${name}.exe`);
  const source = `benchmarks/servers/${name}.c`;
  const { status, stderr } = spawnSync(COMPILER, ['-O2', '-Wall', '-o', program, source, '-lws2_32', '-lpsapi'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${source} does not compile: ${stderr}`);
  built.set(name, program);
  return program;
}
