// With `--import iocp-pal/register`: takes that back in the middle, and says what its sockets are then.
import dgram from 'node:dgram';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { unregister } from '../../../src/register/index.ts';

const server = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const client = net.connect(port, '127.0.0.1');
await once(client, 'connect');
const datagrams = dgram.createSocket('udp4');
const RegisteredSocket = net.Socket;
unregister();

const isOther = (socket: net.Socket): boolean => (socket as unknown as { _handle: unknown })._handle === null;
const said: Record<string, unknown> = {
  classIsOther: RegisteredSocket !== net.Socket,
  goesOn: isOther(client),
  isSocket: client instanceof net.Socket,
  isServer: server instanceof net.Server,
  isDatagramSocket: datagrams instanceof dgram.Socket,
  isOfAClassOfItsOwn: client instanceof class extends net.Socket {},
  isTls: client instanceof tls.TLSSocket,
  nothingIs: {} instanceof net.Socket,
};
const second = net.connect(port, '127.0.0.1');
await once(second, 'connect');
said['newOnesAreNodes'] = !isOther(second) && second instanceof net.Socket;
said['newOfTheFormerClass'] = isOther(new RegisteredSocket());
client
  .end('still here')
  .setEncoding('latin1')
  .on('data', (text: string) => (said['echo'] = text));
await once(client, 'close');
second.destroy();
datagrams.close();
server.close();
console.log(JSON.stringify(said));
