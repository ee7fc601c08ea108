/** Lives the life of a PAL while the process's timers stand still. Arguments: the driver and the poller. */
import process from 'node:process';
import { createNetworkPal, type DriverKind, type PollerKind } from '../../../src/index.ts';
import { freezeTimers } from '../../support/frozen-timers.ts';
import { lifeOfAPal } from '../../support/life-of-a-pal.ts';

const [driver = 'iocp', poller = 'worker'] = process.argv.slice(2);
const thaw = freezeTimers();
const happened = await lifeOfAPal(
  createNetworkPal({ driver: driver as DriverKind, poller: poller as PollerKind, strict: true }),
);
thaw();
console.log(happened.join('\n'));
