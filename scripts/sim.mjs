// npm run sim -- [--seeds N] [--seed S] [--profile windows|wine]: random programs against the simulated platform, as many as
// wanted. Exits with 1 on a failure, after printing the shrunk program, its trace, and how to run it again.
import path from 'node:path';
import { runChild } from './child.mjs';
import { root } from './paths.mjs';
import { ensureInstalled } from './setup.mjs';
import { hostOptions } from './wine.mjs';

process.chdir(root);
await ensureInstalled({ windows: false });
const main = path.join('test', 'sim', 'support', 'main.ts');
const { code } = await runChild(process.execPath, [...hostOptions, main, ...process.argv.slice(2)], { cwd: root });
process.exitCode = code;
