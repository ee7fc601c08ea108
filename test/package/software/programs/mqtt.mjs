// aedes and mqtt: a broker, publishing with all qualities of service, retained messages, and a last will.
import { once } from 'node:events';
import net from 'node:net';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { close, listen, say } from './said.mjs';

const broker = await Aedes.createBroker();
const server = net.createServer(broker.handle);
const url = `mqtt://127.0.0.1:${await listen(server)}`;
const subscriber = await mqtt.connectAsync(url, { clientId: 'subscriber' });
const publisher = await mqtt.connectAsync(url, { clientId: 'publisher' });
await subscriber.subscribeAsync('room/#', { qos: 2 });
const received = [];
const all = new Promise((resolve) => {
  subscriber.on('message', (topic, payload) => {
    received.push(`${topic} ${payload.length}`);
    if (received.length === 61) resolve();
  });
});
for (let n = 0; n < 60; n++) await publisher.publishAsync(`room/${n % 3}`, Buffer.alloc(n * 100), { qos: n % 3 });
await publisher.publishAsync('kept/value', 'kept', { qos: 1, retain: true });
const late = await mqtt.connectAsync(url, { clientId: 'late' });
const kept = once(late, 'message');
await late.subscribeAsync('kept/#');
const [, keptPayload] = await kept;
const mortal = await mqtt.connectAsync(url, {
  clientId: 'mortal',
  will: { topic: 'room/will', payload: Buffer.from('gone'), qos: 1 },
  reconnectPeriod: 0,
});
mortal.stream.destroy();
await all;
await Promise.all([subscriber, publisher, late].map((client) => client.endAsync()));
await new Promise((resolve) => broker.close(resolve));
await close(server);
say({ messages: received.length, will: received.includes('room/will 4'), kept: keptPayload.toString() });
process.exit(0); // the client whose connection was destroyed keeps a timer
