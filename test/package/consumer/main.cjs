'use strict';
// A CommonJS program. With 'simulated', on the platform that the package brings for tests.
const iocpPal = require('iocp-pal');
const { simulateNetwork } = require('iocp-pal/sim');
const { name } = require('iocp-pal/package.json');
const echo = require('./echo.cjs');

async function main() {
  const { NetworkError } = await import('iocp-pal');
  if (NetworkError !== iocpPal.NetworkError)
    throw new Error(`${name} is there twice, once for import and once for require`);
  const network = simulateNetwork();
  if (process.argv[2] === 'simulated') network.drive();
  await echo(iocpPal, process.argv[2] === 'simulated' ? { platform: network.platform({ keepAlive: true }) } : {});
}
main();
