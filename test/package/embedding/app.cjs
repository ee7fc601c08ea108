'use strict';
// app.mjs with require().
const iocpPal = require('iocp-pal');
const echo = require('./echo.cjs');

async function main() {
  for (const poller of ['worker', 'inline']) await echo(iocpPal, { poller });
}
void main();
