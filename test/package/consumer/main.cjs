'use strict';
// A CommonJS program, on both backends. With 'simulated', on the platform that the package brings for tests.
const iocpPal = require('iocp-pal');
const { simulateNetwork } = require('iocp-pal/sim');
const { wsapoll } = require('iocp-pal/wsapoll');
const { name } = require('iocp-pal/package.json');
const echo = require('./echo.cjs');

async function main() {
  const { NetworkError } = await import('iocp-pal');
  if (NetworkError !== iocpPal.NetworkError)
    throw new Error(`${name} is there twice, once for import and once for require`);
  const network = simulateNetwork();
  if (process.argv[2] === 'simulated') network.drive();
  if (process.argv[2] === 'simulated') await echo(iocpPal, { platform: network.platform({ keepAlive: true }) });
  else for (const options of [{}, { backend: wsapoll }]) await echo(iocpPal, options);
}
main();
