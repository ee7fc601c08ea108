// http2, with TLS and without: many streams on one connection, a large body both ways, and a stream that is reset.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { close, listen, say } from './said.mjs';

const read = (name) => readFileSync(new URL(name, import.meta.url));
const [key, cert] = [read('key.pem'), read('certificate.pem')];
const body = Buffer.alloc(500_000, 'h2');

async function talk(server, authority, options) {
  server.on('stream', async (stream, headers) => {
    stream.on('error', () => undefined);
    const parts = await stream.toArray().catch(() => []);
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, got: Buffer.concat(parts).length });
    stream.end(headers[':path'] === '/large' ? body : 'hello');
  });
  const port = await listen(server);
  const client = http2.connect(`${authority}:${port}`, options(port));
  const answers = await Promise.all(
    [...Array(30).keys()].map(async (n) => {
      const stream = client.request({ ':path': n % 3 === 0 ? '/large' : '/', ':method': 'POST' });
      stream.end(n % 2 === 0 ? body : 'short');
      const [headers] = await once(stream, 'response');
      return { got: Number(headers.got), length: Buffer.concat(await stream.toArray()).length };
    }),
  );
  const given = client.request({ ':path': '/', ':method': 'POST' });
  given.close(http2.constants.NGHTTP2_CANCEL);
  await once(given, 'close');
  client.close();
  await once(client, 'close');
  await close(server);
  return {
    large: answers.filter(({ length }) => length === body.length).length,
    got: answers.filter(({ got }) => got === body.length).length,
  };
}

const createConnection = (port) => () => net.connect(port, '127.0.0.1');
say({
  plain: await talk(http2.createServer(), 'http://127.0.0.1', (port) => ({ createConnection: createConnection(port) })),
  secure: await talk(http2.createSecureServer({ key, cert }), 'https://localhost', () => ({ ca: cert, family: 4 })),
});
