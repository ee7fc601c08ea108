/** Sends back what arrives; as the peer iocp-chunks, in memory that is made for it. */
import process from 'node:process';
import { serveChunks, serveEcho } from './echo-connection.ts';
import { servePal } from './pal.ts';

servePal(process.argv[2] === 'iocp-chunks' ? serveChunks : serveEcho);
