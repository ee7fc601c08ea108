// An ES module's program. With 'simulated', on the platform that the package brings for tests.
import * as iocpPal from 'iocp-pal';
import { simulateNetwork } from 'iocp-pal/sim';
import echo from './echo.cjs';

const network = simulateNetwork();
if (process.argv[2] === 'simulated') network.drive();
await echo(iocpPal, process.argv[2] === 'simulated' ? { platform: network.platform({ keepAlive: true }) } : {});
