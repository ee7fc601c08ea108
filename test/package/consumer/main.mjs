// An ES module's program, on both backends. With 'simulated', on the platform that the package brings for tests.
import * as iocpPal from 'iocp-pal';
import { networkOver } from 'iocp-pal/promises';
import { simulateNetwork } from 'iocp-pal/sim';
import { wsapoll } from 'iocp-pal/wsapoll';
import echo from './echo.cjs';

const network = simulateNetwork();
if (process.argv[2] === 'simulated') network.drive();
if (process.argv[2] === 'simulated') await echo(iocpPal, { platform: network.platform({ keepAlive: true }) });
else for (const options of [{}, { backend: wsapoll }]) await echo(iocpPal, options);
