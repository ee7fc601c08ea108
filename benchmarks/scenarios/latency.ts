/** One connection, one message at a time: how long a round trip takes when nothing can be batched. */
import { grid, type Scenario } from '../lib/scenario.ts';
import { measureClosedLoop } from './closed-loop.ts';

export const latency: Scenario = {
  title: 'latency: ping-pong on one connection',
  server: 'echo',
  ratioOf: 'messagesPerSecond',
  cells: (settings) => grid(settings, [1], [64]),
  measure: measureClosedLoop,
};
