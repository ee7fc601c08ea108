// Imported before the README's echo server: a client in its process, which ends it once its bytes have come back.
import { connect } from 'node:net';

const log = console.log;
console.log = (line) => {
  log(line);
  console.log = log;
  const client = connect(Number(/:(\d+)$/.exec(line)?.[1]), '127.0.0.1', () => client.write('hello'));
  client.on('error', (error) => {
    throw error;
  });
  client.on('data', (data) => {
    console.log(`echo: ${String(data)}`);
    client.end();
  });
  client.on('close', () => process.exit());
};
