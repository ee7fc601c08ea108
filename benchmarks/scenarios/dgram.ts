/** The echo of a program written for node:dgram, with iocp-pal/dgram in its place, and the callbacks below it. */
import { REFERENCE } from '../lib/peers.ts';
import { grid, type Scenario } from '../lib/scenario.ts';
import { udp } from './udp.ts';

export const dgram: Scenario = {
  ...udp,
  title: 'dgram: the echo on iocp-pal/dgram and on node:dgram (node-net here), the same program; and on the callbacks',
  peers: ['dgram', 'iocp', REFERENCE],
  cells: (settings) => grid(settings, [1, 16, 100], [64, 1200]),
};
