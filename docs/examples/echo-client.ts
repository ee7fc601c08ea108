/** Sends what is typed, and shows the lines that come: echo-client.ts [port] [host] */
import { connect } from '../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'

const [port = '7007', host = '127.0.0.1'] = process.argv.slice(2);
const connection = await connect({ host, port: Number(port), noDelay: true, timeout: 10_000 });
console.log(`connected to ${connection.remote.address}:${connection.remote.port}`);

async function sendInput(): Promise<void> {
  for await (const chunk of process.stdin) await connection.write(chunk as Buffer);
  await connection.closeWrite(); // nothing more comes from here; what comes from there is still read
}

void sendInput().catch(() => connection.reset()); // nobody is there any more who reads it
for await (const line of connection.lines()) console.log(line);
await connection.close();
process.stdin.destroy(); // would keep the process alive
