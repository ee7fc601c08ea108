/** node-media-server on node:net: other people's program, from where the tests of software that runs unmodified have it. */
import { serveMediaServer } from './media-server.ts';

await serveMediaServer(() => 0);
