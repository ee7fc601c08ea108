// express: routes, JSON bodies, a file, an error handler, and a client that asks with fetch.
import { fileURLToPath } from 'node:url';
import express from 'express';
import { close, listen, say } from './said.mjs';
import http from 'node:http';

const app = express();
app.use(express.json({ limit: '2mb' }));
app.post('/sum/:factor', (request, response) => {
  response.json({ sum: request.body.numbers.reduce((sum, n) => sum + n, 0) * Number(request.params.factor) });
});
app.get('/file', (request, response) => response.sendFile(fileURLToPath(import.meta.url)));
app.get('/broken', () => {
  throw new Error('broken on purpose');
});
app.use((error, request, response, next) => response.status(500).send(error.message));
const server = http.createServer(app);
const base = `http://127.0.0.1:${await listen(server)}`;
const numbers = Array.from({ length: 50_000 }, (_, n) => n);
const sum = await fetch(`${base}/sum/2`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ numbers }),
});
const file = await fetch(`${base}/file`);
const broken = await fetch(`${base}/broken`);
const missing = await fetch(`${base}/missing`);
const said = {
  sum: (await sum.json()).sum,
  file: (await file.text()).startsWith('// express: routes'),
  broken: `${broken.status} ${await broken.text()}`,
  missing: missing.status,
};
await missing.text();
server.closeAllConnections();
await close(server);
say(said);
