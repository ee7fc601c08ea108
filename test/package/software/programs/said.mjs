// What every program here does: begins a server, and says at its end what came of it, and whose connections it had.
import { once } from 'node:events';
import { sharedPal } from 'iocp-pal';

/** Listens, and tells the port. */
export async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

export function close(server) {
  return new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
}

/** @param results what the program has found; with it, the connections that the PAL has accepted and made */
export function say(results) {
  const { accepted, connected } = sharedPal().stats();
  console.log(JSON.stringify({ ...results, accepted, connected }));
}

export async function textOf(stream) {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
}
