'use strict';
// Preloaded (NODE_OPTIONS=--require) into the Windows node.exe when it runs under Wine.
//
// A Linux pipe is no named pipe to Wine: libuv's uv_pipe_open fails on it, so the first use of process.stdout throws EBADF.
// Plain WriteFile works. Where a stream cannot be made, it is replaced by one over fs.writeSync: output is live, and complete
// when the process exits. Child processes inherit the preload.
const fs = require('node:fs');
const { Writable } = require('node:stream');
const { isMainThread } = require('node:worker_threads');
const connectConsole = require('./console.cjs');

/** @param {'stdin' | 'stdout' | 'stderr'} name */
function isUsable(name) {
  try {
    Reflect.get(process, name); // a getter: the stream is made here
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EBADF') return false;
    throw error;
  }
}

/** @param {number} fd */
function writableOver(fd) {
  const stream = new Writable({
    write(/** @type {Buffer} */ chunk, _encoding, done) {
      let written = 0;
      while (written < chunk.length) {
        try {
          written += fs.writeSync(fd, chunk, written);
        } catch (error) {
          if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EAGAIN') continue; // the reader is slow: try again
          done(/** @type {Error} */ (error));
          return;
        }
      }
      done();
    },
    // As with Node's own stdout: destroy() must not close the descriptor.
    destroy(error, done) {
      done(error);
    },
  });
  return Object.assign(stream, { fd, _type: 'fs', _isStdio: true, destroySoon: () => stream.destroy() });
}

/**
 * @param {'stdin' | 'stdout' | 'stderr'} name
 * @param {() => unknown} make
 */
function replace(name, make) {
  /** @type {unknown} */
  let stream;
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => (stream ??= make()) });
}

if (!isUsable('stdout')) replace('stdout', () => writableOver(1));
if (!isUsable('stderr')) replace('stderr', () => writableOver(2));

// `npm run wine` is our console. Child processes have other standard handles, and workers streams of their own.
const consoleAt = process.env['IOCP_PAL_CONSOLE'];
delete process.env['IOCP_PAL_CONSOLE'];
if (consoleAt !== undefined && isMainThread) connectConsole(consoleAt);
else if (!isUsable('stdin')) replace('stdin', () => fs.createReadStream('', { fd: 0, autoClose: false }));
