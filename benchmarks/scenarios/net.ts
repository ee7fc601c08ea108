/** The echo of a program written for node:net, with iocp-pal/net in its place. */
import { REFERENCE } from '../lib/peers.ts';
import { grid, type Scenario } from '../lib/scenario.ts';
import { measureClosedLoop } from './closed-loop.ts';

export const net: Scenario = {
  title: 'net: the echo on iocp-pal/net and on node:net, the same program',
  server: 'echo',
  peers: ['net', REFERENCE],
  ratioOf: 'messagesPerSecond',
  cells: (settings) => grid(settings, [100, 1000], [64, 16_384]),
  measure: measureClosedLoop,
};
