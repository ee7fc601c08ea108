'use strict';
// Preloaded (NODE_OPTIONS=--require) into the node.exe that runs one of Node's own test files: whoever loads node:net or node:dgram
// (IOCP_PAL_IN_PLACE_OF) gets the module under test (IOCP_PAL_MODULE), or it is put below Node's own http, tls and so on
// (IOCP_PAL_REGISTER). Child processes of a test inherit it.
const Module = require('node:module');

/** @typedef {(request: string, ...rest: unknown[]) => unknown} Load */

const register = process.env['IOCP_PAL_REGISTER'];
if (register !== undefined) require(register);

const file = process.env['IOCP_PAL_MODULE'];
if (file !== undefined) {
  const loaded = /** @type {{ default?: unknown }} */ (require(file));
  const underTest = loaded.default ?? loaded;
  const internals = /** @type {{ _load: Load }} */ (/** @type {unknown} */ (Module));
  const load = internals._load;
  const name = process.env['IOCP_PAL_IN_PLACE_OF'];
  internals._load = function (request, ...rest) {
    return request.replace(/^node:/, '') === name ? underTest : Reflect.apply(load, this, [request, ...rest]);
  };
}
