/** The relay on iocp-pal/promises. */
import { sharedPal } from '../../src/index.ts';
import { allocateBuffer, listen } from '../../src/promises/index.ts';
import { serveRelay } from './relay.ts';
import { BACKLOG } from './settings.ts';

await serveRelay({ listen: (options) => listen({ ...options, backlog: BACKLOG }), allocateBuffer }, () => {
  return sharedPal().stats().pinnedBytes;
});
