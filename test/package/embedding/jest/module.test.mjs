import * as iocpPal from 'iocp-pal';
import echo from '../echo.cjs';

for (const waiter of ['worker', 'inline']) test(waiter, () => echo(iocpPal, { waiter }));
