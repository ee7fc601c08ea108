/** Leaves calls of every sort pending on sockets that do not keep the process alive; the first argument names one that does again. */
import process from 'node:process';
import { bindUdp, connect, listen } from '../../../src/promises/index.ts';

const [referenced = ''] = process.argv.slice(2);
const server = await listen();
const client = await connect({ port: server.port });
const served = await server.accept();
const datagrams = await bindUdp();

/** Each socket with the call that is pending on it, and with what ends that. */
const all = {
  client: { socket: client, call: client.readExactly(1), end: () => served.write('x') },
  served: { socket: served, call: served.readExactly(1), end: () => client.write('x') },
  server: {
    socket: server,
    call: server.accept().then((another) => another.unref()),
    end: async () => (await connect({ port: server.port })).unref(),
  },
  datagrams: {
    socket: datagrams,
    call: datagrams.receive(),
    end: () => datagrams.send('x', datagrams.endpoint),
  },
};

for (const [name, { socket, call, end }] of Object.entries(all)) {
  socket.unref();
  void call.then(() => {
    console.log(`${name}: its call came back`);
    socket.unref();
  });
  if (name !== referenced) continue;
  socket.ref();
  // It fires if the process is alive by then, and does not keep it so.
  setTimeout(end, 100).unref();
}
console.log('ending');
