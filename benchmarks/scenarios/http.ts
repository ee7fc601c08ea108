/** node:http as it is, on iocp-pal/net and on node:net: connections that are kept alive, each with one request under way. */
import { connect } from 'node:net';
import { REFERENCE } from '../lib/peers.ts';
import { grid, type Scenario } from '../lib/scenario.ts';
import { ClosedLoop } from '../load/closed-loop.ts';
import { measureLoad } from './closed-loop.ts';

/** "Hello world\n", and a page. */
const BODY_BYTES = [12, 16_384];

export const http: Scenario = {
  title: 'http: answers of node:http on connections that are kept alive; bytes are those of the body',
  server: 'http',
  peers: ['net', REFERENCE],
  ratioOf: 'messagesPerSecond',
  cells: (settings) => grid(settings, [50, 500], BODY_BYTES),
  measure: async (server, cell, settings) => {
    const request = Buffer.from(`GET /${cell.messageBytes} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    const answerBytes = await measureAnswer(server.port, request, cell.messageBytes);
    return measureLoad(new ClosedLoop(cell.active, request, answerBytes), server, cell, settings);
  },
};

/** Asks once, and counts: every answer is as long as this one. */
async function measureAnswer(port: number, request: Buffer, bodyBytes: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  let answer = '';
  try {
    for await (const chunk of socket) {
      answer += (chunk as Buffer).toString('latin1');
      const bodyAt = answer.indexOf('\r\n\r\n') + 4;
      if (bodyAt >= 4 && answer.length - bodyAt >= bodyBytes) return answer.length;
    }
    throw new Error(`The server ended the connection after ${answer.length} bytes of an answer`);
  } finally {
    socket.destroy();
  }
}
