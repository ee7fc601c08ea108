/** Lives the life of a PAL while the process's timers stand still. Arguments: the backend and the waiter. */
import process from 'node:process';
import { createNetworkPal, type WaiterKind } from '../../../src/index.ts';
import { onBackend } from '../../support/backends.ts';
import { freezeTimers } from '../../support/frozen-timers.ts';
import { lifeOfAPal } from '../../support/life-of-a-pal.ts';

const [backend = 'iocp', waiter = 'worker'] = process.argv.slice(2);
const thaw = freezeTimers();
const happened = await lifeOfAPal(
  createNetworkPal({ ...onBackend(backend), waiter: waiter as WaiterKind, strict: true }),
);
thaw();
console.log(happened.join('\n'));
