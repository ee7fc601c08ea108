/** Closed loop, all connections active: how much a server gets done, and how evenly. */
import { grid, type Scenario } from '../lib/scenario.ts';
import { measureClosedLoop } from './closed-loop.ts';

export const echo: Scenario = {
  title: 'echo: every connection sends a message, waits for it to come back, and sends the next',
  server: 'echo',
  ratioOf: 'messagesPerSecond',
  cells: (settings) => grid(settings, [100, 500, 1000, 5000], [64, 4096]),
  measure: measureClosedLoop,
};
