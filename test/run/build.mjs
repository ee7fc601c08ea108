// npm run build: the published JavaScript and its types, into dist/.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { runChild } from './child.mjs';
import { root } from './paths.mjs';

rmSync(path.join(root, 'dist'), { recursive: true, force: true }); // nothing that has since been deleted may be published
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { code } = await runChild(process.execPath, [tsc, '-p', path.join(root, '.config', 'tsconfig.dist.json')], {
  cwd: root,
});
process.exitCode = code;
