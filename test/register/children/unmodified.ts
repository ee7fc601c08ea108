// A program that knows nothing of iocp-pal: http, TLS, http2, an echo, a pipe of its own child. It says whose sockets it has got.
// With 'fetch' it fetches, too.
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';

const portOf = (server: net.Server): number => (server.address() as AddressInfo).port;
const said: Record<string, unknown> = {};

/** Ours have no native handle. */
const whose = (socket: net.Socket): string =>
  (socket as unknown as { _handle: unknown })._handle === null ? 'pal' : 'node';

await new Promise<void>((resolve) => {
  const server = http.createServer((request, response) => {
    said['httpServer'] = whose(request.socket);
    said['isSocket'] = request.socket instanceof net.Socket;
    response.end('hello');
  });
  server.listen(0, '127.0.0.1', () => {
    const request = http.get({ port: portOf(server), host: '127.0.0.1', agent: new http.Agent() }, (response) => {
      said['httpClient'] = whose(response.socket);
      response.setEncoding('utf8').on('data', (text: string) => (said['http'] = text));
    });
    request.on('close', () => server.close(() => resolve()));
  });
});

if (process.argv.includes('fetch'))
  await new Promise<void>((resolve) => {
    const server = http.createServer((_request, response) => response.end('fetched'));
    server.listen(0, '127.0.0.1', () => {
      void fetch(`http://127.0.0.1:${portOf(server)}`, { headers: { connection: 'close' } })
        .then((response) => response.text())
        .then((text) => {
          said['fetch'] = text;
          server.close(() => resolve());
        });
    });
  });

// TLS without a certificate: a key that both know.
said['tls'] = await new Promise((resolve) => {
  const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  const psk = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const server = tls.createServer({ ...psk, pskCallback: () => key }, (socket) => {
    socket.end('secret');
  });
  server.on('tlsClientError', (error) => (said['tlsClientError'] = error.message));
  server.listen(0, '127.0.0.1', () => {
    const client = tls.connect({
      ...psk,
      port: portOf(server),
      host: '127.0.0.1',
      pskCallback: () => ({ psk: key, identity: 'me' }),
      checkServerIdentity: () => undefined,
    });
    let text = '';
    client.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    client.on('close', () => server.close(() => resolve(text)));
  });
});

// Without TLS: the sessions of both sides read and write native handles themselves.
said['http2'] = await new Promise((resolve) => {
  const server = http2.createServer();
  server.on('connection', (socket: net.Socket) => (said['http2Server'] = whose(socket)));
  server.on('stream', (stream) => {
    stream.respond();
    stream.end('streamed');
  });
  server.listen(0, '127.0.0.1', () => {
    const session = http2.connect(`http://127.0.0.1:${portOf(server)}`);
    session.on('connect', (_session, socket) => (said['http2Client'] = whose(socket)));
    let text = '';
    const request = session.request().setEncoding('utf8');
    request.on('data', (piece: string) => (text += piece));
    request.on('end', () => session.close(() => server.close(() => resolve(text))));
  });
});

said['echo'] = await new Promise((resolve) => {
  const server = net.createServer((socket) => {
    said['netServer'] = whose(socket);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1', () => {
    const client = net.connect(portOf(server), '127.0.0.1').setEncoding('utf8');
    client.end('echoed').on('data', (text) => {
      said['netClient'] = whose(client);
      server.close(() => resolve(text));
    });
  });
});

said['datagram'] = await new Promise((resolve) => {
  const socket = dgram.createSocket('udp4', (message) => {
    // A socket of Node's keeps its state under a symbol of this name. (Its _handle is gone since Node 26.)
    const isNodes = Object.getOwnPropertySymbols(socket).some(({ description }) => description === 'state symbol');
    said['udpSocket'] = isNodes ? 'node' : 'pal';
    socket.close(() => resolve(message.toString()));
  });
  socket.bind(0, '127.0.0.1', () => socket.send('to itself', socket.address().port, '127.0.0.1'));
});

said['child'] = await new Promise((resolve) => {
  const child = spawn(process.execPath, ['-e', "process.stdout.write('from a child')"]);
  said['pipeIsSocket'] = child.stdout instanceof net.Socket;
  child.stdout.setEncoding('utf8').on('data', resolve);
});

try {
  net.createServer().listen(65_536);
} catch (error) {
  said['refused'] = (error as NodeJS.ErrnoException).code;
}

console.log(JSON.stringify(said));
