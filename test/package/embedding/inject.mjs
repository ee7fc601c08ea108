// node inject.mjs <executable> <blob> <repository>: makes a single executable of a copy of node.exe.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [executable, blob, repository] = process.argv.slice(2);
const { inject } = createRequire(path.join(repository, 'test', 'package', 'package.json'))('postject');
// The name and the fuse are Node's own: https://nodejs.org/api/single-executable-applications.html
const sentinelFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
await inject(executable, 'NODE_SEA_BLOB', readFileSync(blob), { sentinelFuse, overwrite: true });
