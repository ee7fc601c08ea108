const iocpPal = require('iocp-pal');
const echo = require('../echo.cjs');

jest.useFakeTimers();
for (const poller of ['worker', 'inline']) test(poller, () => echo(iocpPal, { poller }));
