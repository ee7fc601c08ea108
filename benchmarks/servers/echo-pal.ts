/** Sends back what arrives. */
import { serveEcho } from './echo-connection.ts';
import { servePal } from './pal.ts';

servePal(serveEcho);
