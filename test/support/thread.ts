/** Worker threads that run a module of the tests, from source or compiled. */
import process from 'node:process';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** tsx registers itself in the main thread only; a thread of a Node.js that strips no types has to do it again. */
const REGISTERING = `
  const { module } = require('node:worker_threads').workerData;
  import('tsx/esm/api').then(({ register }) => {
    register();
    return import(module);
  });
`;

/**
 * Starts a module without its extension, as an absolute URL, in a thread.
 * @param workerData what the module gets as its workerData
 */
export function startThread(module: URL, workerData: object = {}, options: WorkerOptions = {}): Worker {
  // From source this file ends in .ts, from its compiled copy in .js; so do the others.
  const fromSource = import.meta.url.endsWith('.ts');
  const file = new URL(`${module.href}.${fromSource ? 'ts' : 'js'}`);
  const stripsTypes = 'typescript' in process.features && Boolean(process.features.typescript);
  if (!fromSource || stripsTypes) return new Worker(file, { workerData, ...options });
  return new Worker(REGISTERING, { eval: true, workerData: { ...workerData, module: file.href }, ...options });
}
