/**
 * Two PALs, and the event that Node makes of Ctrl+Break. The key itself would reach every process of the console, the one that runs the
 * tests among them, and under Wine there is no console.
 */
import process from 'node:process';
import { createNetworkPal, describeOnSignal, sharedPal } from '../../../src/index.ts';

const shared = sharedPal().createServer('127.0.0.1', 0);
const own = createNetworkPal();
own.initialize();
own.createServer('127.0.0.1', 0);
describeOnSignal();
sharedPal().unref(shared.handle);
process.emit('SIGBREAK', 'SIGBREAK');
