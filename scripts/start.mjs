// npm start: the demo, with whatever it takes to run it here.
import path from 'node:path';
import { root } from './paths.mjs';
import { steadyCpu } from './windows/wine-prefix.mjs';
import { main } from './wine.mjs';

const demo = path.relative(process.cwd(), path.join(root, 'demo', 'main.ts'));
const args = process.argv.slice(2);
const options = args[0]?.startsWith('--node=') ? args.splice(0, 1) : [];
const cpu = steadyCpu();
process.exitCode = await main([...options, demo, ...args], cpu === undefined ? {} : { taskset: cpu });
