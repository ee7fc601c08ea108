const iocpPal = require('iocp-pal');
const echo = require('../echo.cjs');

for (const waiter of ['worker', 'inline']) test(waiter, () => echo(iocpPal, { waiter }));
