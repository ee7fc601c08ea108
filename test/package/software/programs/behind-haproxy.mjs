// One of several servers behind a balancer: it answers each line with its own name, who has asked (the client's address, as the PROXY
// header says it, and the balancer's port that it has connected to) and the line. The test, at the other end of the
// connection that is made first, hears when it listens, and says when to stop.
import net from 'node:net';
import { createInterface } from 'node:readline';
import { listen } from 'iocp-pal/promises';

const [name, port, testPort] = process.argv.slice(2);
const test = net.connect(Number(testPort), '127.0.0.1');
const server = await listen({
  host: '127.0.0.1',
  port: Number(port),
  noDelay: true,
  proxyProtocol: { from: ['127.0.0.1'] },
  onAcceptError,
});
const stop = new AbortController();
createInterface({ input: test }).on('line', () => stop.abort());
test.write(`${name}\n`);

// A health check may be reset within its header. The balancer's headers are never wrong, late or a stranger's: the test looks at stderr.
function onAcceptError({ code, message }) {
  if (code.startsWith('ERR_') && code !== 'ERR_PROXY_HEADER_ENDED') console.error(message);
}

async function answer(connection) {
  const { remote, proxyHeader } = connection;
  const client = `${remote.address}:${remote.port}>${proxyHeader?.destination?.port}`;
  for await (const line of connection.lines({ limit: 100 })) await connection.write(`${name} ${client} ${line}\n`);
}

// Clients that go away, and health checks, which connect and reset, are nobody's mistake.
await server.serve(answer, { signal: stop.signal, onError: () => undefined });
test.destroy();
