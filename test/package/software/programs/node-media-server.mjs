// node-media-server, as its README embeds it. What it logs goes to the test, at the port that is given, and the test says
// when to look at the queues and when to stop: the players and the publisher are processes of the test's.
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { sharedPal } from 'iocp-pal';
import NodeMediaServer from 'node-media-server';
import { say } from './said.mjs';

const [testPort, rtmpPort, httpPort] = process.argv.slice(2).map(Number);
const test = net.connect(testPort, '127.0.0.1');
const { log } = console;
console.log = (line) => test.write(`${line}\n`);
const server = new NodeMediaServer({
  bind: '127.0.0.1',
  rtmp: { port: rtmpPort },
  http: { port: httpPort },
  record: { path: 'record' },
  store: { path: 'store' },
});
await server.run();
for await (const order of createInterface({ input: test })) {
  if (order === 'queues') console.log(`queued bytes: ${sharedPal().stats().queuedBytes}`);
  if (order === 'stop') break;
}
await server.stop();
test.end();
await once(test, 'close');
console.log = log;
say({});
