/** Many connections of which a few send: the case where the cost of waiting for N sockets shows. */
import type { Scenario } from '../lib/scenario.ts';
import { measureClosedLoop } from './closed-loop.ts';

/** Connections that send. */
const ACTIVE = 16;

export const idle: Scenario = {
  title: `idle: a few of many connections are active (${ACTIVE} unless --active says otherwise)`,
  server: 'echo',
  ratioOf: 'messagesPerSecond',
  cells: ({ connections = [100, 500, 1000, 5000], active = ACTIVE, sizes = [64] }) =>
    sizes.flatMap((messageBytes) =>
      connections.map((count) => ({ connections: count, active: Math.min(active, count), messageBytes })),
    ),
  measure: measureClosedLoop,
};
