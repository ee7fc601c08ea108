import * as iocpPal from 'iocp-pal';
import echo from '../echo.cjs';

for (const poller of ['worker', 'inline']) test(poller, () => echo(iocpPal, { poller }));
