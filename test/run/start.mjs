// npm start: the example, with whatever it takes to run it here.
import path from 'node:path';
import { root } from './paths.mjs';
import { steadyCpu } from './wine-prefix.mjs';
import { main } from './wine.mjs';

const example = path.relative(process.cwd(), path.join(root, 'docs', 'examples', 'echo-1000.ts'));
const args = process.argv.slice(2);
const options = args[0]?.startsWith('--node=') ? args.splice(0, 1) : [];
const cpu = steadyCpu();
process.exitCode = await main([...options, example, ...args], cpu === undefined ? {} : { taskset: cpu });
