/** The same, unchanged, on completion ports. */
import '../../src/register/index.ts';
import { sharedPal } from '../../src/index.ts';
import { serveMediaServer } from './media-server.ts';

await serveMediaServer(() => sharedPal().stats().pinnedBytes);
