// undici: request, a pool with pipelining, a body that is streamed, an abort, and a server that ends the connection.
import http from 'node:http';
import { Pool, request } from 'undici';
import { close, listen, say, textOf } from './said.mjs';

const server = http.createServer(async (request, response) => {
  if (request.url === '/cut') return request.socket.destroy();
  if (request.url === '/hang') return;
  response.end(`${request.url} ${(await textOf(request)).length}`);
});
const origin = `http://127.0.0.1:${await listen(server)}`;
const single = await request(`${origin}/single`, { method: 'POST', body: Buffer.alloc(300_000) });
const pool = new Pool(origin, { connections: 3, pipelining: 4 });
const answers = await Promise.all(
  [...Array(60).keys()].map(async (n) => {
    const { body } = await pool.request({ path: `/${n}`, method: 'GET' });
    return (await body.text()) === `/${n} 0`;
  }),
);
const codeOf = (promise) =>
  promise.then(
    () => 'none',
    ({ code, name }) => (typeof code === 'string' ? code : name),
  );
const aborted = await codeOf(pool.request({ path: '/hang', method: 'GET', signal: AbortSignal.timeout(50) }));
const cut = await codeOf(pool.request({ path: '/cut', method: 'GET' }));
const said = { single: await single.body.text(), answers: answers.filter(Boolean).length, aborted, cut };
await pool.destroy();
server.closeAllConnections();
await close(server);
say(said);
process.exit(0); // the global dispatcher keeps its connections
