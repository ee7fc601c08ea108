/** An echo of a PAL in a worker_thread that got a module to require by its own options, and passes them on to nobody. */
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { startThread } from '../../support/thread.ts';
import { idleEcho } from './idle-echo.ts';

if (isMainThread) {
  const required = process.argv[2] ?? '';
  startThread(new URL('./echo-in-thread', import.meta.url), {}, { execArgv: ['--require', required] });
} else {
  await idleEcho();
}
