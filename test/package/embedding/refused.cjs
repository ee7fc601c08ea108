'use strict';
// A process in which a PAL cannot be initialized: says why, as one line, and ends: nothing has been left open.
// Under Wine the runner names a folder with koffi's binary in NODE_PATH, which users do not have.
delete process.env.NODE_PATH;
require('node:module').Module._initPaths();

const { createNetworkPal, NetworkError, NetworkErrorCode } = require('iocp-pal');

const pal = createNetworkPal();
try {
  pal.initialize();
  console.log('initialized');
  void pal.stopEventLoop();
} catch (error) {
  const isInitializationFailed = error instanceof NetworkError && error.kind === NetworkErrorCode.InitializationFailed;
  console.log(`${isInitializationFailed ? 'InitializationFailed' : error.name} ${error.code}: ${error.message}`);
}
