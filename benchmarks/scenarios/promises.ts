/** What promises cost: the echo of iocp-pal/promises beside that of callbacks. */
import { REFERENCE } from '../lib/peers.ts';
import { grid, type Scenario } from '../lib/scenario.ts';
import { measureClosedLoop } from './closed-loop.ts';

export const promises: Scenario = {
  title: 'promises: the echo with iocp-pal/promises, and with callbacks',
  server: 'echo',
  peers: ['promises', 'promises-read', 'iocp', 'iocp-chunks', REFERENCE],
  ratioOf: 'messagesPerSecond',
  cells: (settings) => grid(settings, [100, 1000], [64, 16_384]),
  measure: measureClosedLoop,
};
