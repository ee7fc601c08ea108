'use strict';
// app.mjs with require().
const iocpPal = require('iocp-pal');
const echo = require('./echo.cjs');

async function main() {
  for (const waiter of ['worker', 'inline']) await echo(iocpPal, { waiter });
}
void main();
