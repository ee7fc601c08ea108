'use strict';
// For mocha.test.ts: one test that passes, and a process that does not end after it, in the way that IOCP_PAL_STAY names.
const { createServer } = require('node:net');

/** For ever, and without using a CPU that other tests need. */
function block() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** @type {Record<string, () => void>} */
const WAYS = {
  'a handle': () => void createServer().listen(0, '127.0.0.1'),
  blocked: () => void setTimeout(block, 200),
  // Behind the listeners that are there by then.
  'blocked at its end': () =>
    void process.once('beforeExit', () => {
      process.on('exit', block);
    }),
};

it('passes', () => WAYS[process.env['IOCP_PAL_STAY'] ?? '']?.());
