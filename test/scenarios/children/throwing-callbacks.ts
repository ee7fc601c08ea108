/** Callbacks that throw, where somebody catches it: everything else of the same batch is delivered all the same. */
import process from 'node:process';
import { createNetworkPal, type WaiterKind } from '../../../src/index.ts';
import { pair, write } from '../../support/io.ts';
import { until } from '../../support/until.ts';

const [waiter = 'worker', skip = ''] = process.argv.slice(2);
const pal = createNetworkPal({
  waiter: waiter as WaiterKind,
  skipCompletionPortOnSuccess: skip === 'skip',
  strict: true,
});
pal.initialize();
const running = pal.runEventLoop();

const caught: string[] = [];
process.on('uncaughtException', (error) => caught.push(error.message));

const count = 30;
const delivered: string[] = [];
const pairs = [];
for (let index = 0; index < count; index++) pairs.push(await pair(pal));
const deliver =
  (label: string, throws: boolean) =>
  (error: unknown): void => {
    delivered.push(`${label} ${error === null ? 'ok' : 'failed'}`);
    if (throws) throw new Error(label);
  };
pairs.forEach(({ client }, index) =>
  pal.asyncRead(client, new Uint8Array(1), 1, deliver(`read ${index}`, index % 3 === 0)),
);
// Nothing runs in between: all completions are there when the loop looks next.
const writes = pairs.map(({ served }) => write(pal, served, new Uint8Array(1)));
const before = Date.now();
while (Date.now() - before < 100);
await Promise.all(writes);
// Several writes that one send carries are answered together: one that throws must not take the others along.
const { served } = pairs[1] ?? { served: 0 as never };
for (let index = 0; index < 6; index++) {
  pal.asyncWrite(served, new Uint8Array(1), deliver(`write ${index}`, index % 2 === 0));
}
const closing = pairs[2]?.client ?? (0 as never);
pal.closeSocket(closing, () => {
  delivered.push('close ok');
  throw new Error('close');
});
await until(
  () => delivered.length === count + 7,
  () => `callbacks: ${delivered.join(', ')}`,
);
console.log(JSON.stringify({ delivered: delivered.length, distinct: new Set(delivered).size, caught: caught.length }));
const { droppedPackets } = pal.stats();
await pal.stopEventLoop();
await running;
console.log(`ending, ${droppedPackets} packets dropped`);
