'use strict';
// One copy for require() and import, and another in a bundle beside it, in one process.
const assert = require('node:assert/strict');
const echo = require('./echo.cjs');
const outer = require('iocp-pal');
const bundled = require('./copy.cjs');

async function main() {
  const listeners = process.listenerCount('exit');
  const imported = await import('iocp-pal');
  for (const name of Object.keys(outer)) assert.equal(imported[name], outer[name], name);
  assert.notEqual(bundled.createNetworkPal, outer.createNetworkPal);

  await Promise.all([outer, bundled, imported].map((copy) => echo(copy, {})));
  const error = thrownBy(() => bundled.createNetworkPal().createServer('127.0.0.1', 0));
  assert.ok(error instanceof outer.NetworkError && error instanceof bundled.NetworkError);
  assert.ok(!(new TypeError('no') instanceof outer.NetworkError));
  class Own extends outer.NetworkError {}
  assert.ok(!(error instanceof Own));

  // Handles name their PAL, whichever copy has made it.
  const [one, two] = [outer, bundled].map(({ createNetworkPal }) => createNetworkPal());
  for (const pal of [one, two]) pal.initialize();
  const { handle } = one.createServer('127.0.0.1', 0);
  assert.equal(thrownBy(() => two.asyncAccept(handle, () => undefined)).code, 'ERR_FOREIGN_HANDLE');
  await Promise.all([one.stopEventLoop(), two.stopEventLoop()]);
  assert.equal(process.listenerCount('exit'), listeners);
}

function thrownBy(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: `${call} did not throw` });
}
void main();
