/** The echo of datagrams on node:dgram. */
import dgram from 'node:dgram';
import { serveNodeDgram } from './node-dgram.ts';

serveNodeDgram(dgram);
