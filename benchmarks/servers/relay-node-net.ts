/** The same relay, and the same promises, on node:net: what they stand on where there is no Windows. */
import { networkOn } from '../../src/promises/network.ts';
import { nodeSockets } from '../../src/promises/sockets/node-sockets.ts';
import { serveRelay } from './relay.ts';
import { BACKLOG } from './settings.ts';

const { listen, allocateBuffer } = networkOn(nodeSockets);
await serveRelay({ listen: (options) => listen({ ...options, backlog: BACKLOG }), allocateBuffer }, () => 0);
