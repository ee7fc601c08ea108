/** The server of udp-node-net.ts, on iocp-pal/dgram. */
import dgram from '../../src/dgram/index.ts';
import { serveNodeDgram } from './node-dgram.ts';

serveNodeDgram(dgram);
