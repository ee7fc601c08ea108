// fastify: a schema, a stream as the answer, hooks, and its own listen and close.
import { Readable } from 'node:stream';
import Fastify from 'fastify';
import { say } from './said.mjs';

const app = Fastify({ forceCloseConnections: true });
let hooks = 0;
app.addHook('onResponse', async () => void hooks++);
app.post('/greet', {
  schema: { body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
  handler: async ({ body }) => ({ greeting: `hello ${body.name}` }),
});
app.get('/stream', (request, reply) =>
  reply.send(Readable.from(['one ', 'two ', 'three'].map((text) => Buffer.from(text)))),
);
const base = await app.listen({ port: 0, host: '127.0.0.1' });
const post = (body) =>
  fetch(`${base}/greet`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
const good = await post({ name: 'world' });
const bad = await post({});
const stream = await fetch(`${base}/stream`);
const said = { good: await good.json(), bad: (await bad.json()).message, stream: await stream.text() };
await app.close();
say({ ...said, hooks });
