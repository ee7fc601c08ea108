#!/usr/bin/env node
/** `npx iocp-pal`: prints what the command line says, and ends, whatever is still under way. */
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { run } from './cli.ts';
import { WATCHDOG_SOURCE } from './deadline.ts';

/** Many times what all steps take together; whatever meets its own deadline is over before. */
const WATCHDOG_MS = 300_000;

const done = new Int32Array(new SharedArrayBuffer(4));
const message =
  `iocp-pal doctor was stuck in a system call for ${WATCHDOG_MS / 1000} s, and has ended itself. ` +
  'Please report this, with what it has printed\n';
new Worker(WATCHDOG_SOURCE, {
  eval: true,
  workerData: { done, ms: WATCHDOG_MS, message },
  execArgv: [],
  env: {},
}).unref();

const { stdout, stderr, code } = await run(process.argv.slice(2));
// Whoever read it is gone (`| head`).
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(code));
if (stderr !== '') process.stderr.write(`${stderr}\n`);
await new Promise<void>((written) => {
  if (stdout === '') written();
  else process.stdout.write(`${stdout}\n`, () => written());
});
Atomics.store(done, 0, 1);
Atomics.notify(done, 0);
process.exit(code); // a step that was given up may still hold something
