/**
 * node:ffi beside koffi: what it can do, what a call costs, and whether the error code of a call is kept. Needs a Node that has
 * node:ffi: 26.1 or newer, with --experimental-ffi where it asks for that. docs/node-ffi.md says what came out.
 *
 * `npm run wine -- --node=26 benchmarks/ffi/main.ts` (Wine 10), or `node benchmarks/ffi/main.ts` on Windows and on Linux.
 * The names of parts (facts, calls, errors) measure these alone.
 */
import { once } from 'node:events';
import process from 'node:process';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { measureCalls, type Costs } from './calls.ts';
import { askFacts } from './facts.ts';
import { measureLastErrors } from './last-error.ts';
import { requireNodeFfi } from './node-ffi.ts';
import { SHAPES, type ShapeName, type Way } from './shapes.ts';

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  facts: printFacts,
  calls: printCalls,
  errors: printLastErrors,
};
const WAYS: readonly Way[] = [
  'koffi, numbers',
  'node:ffi, numbers',
  'node:ffi, bigints made',
  'node:ffi, bigints ready',
];
/** MiB: more than what is allocated while the heap's growth is measured. */
const YOUNG_GENERATION_MIB = 128;

if (isMainThread) await main(process.argv.slice(2));
else parentPort?.postMessage(measureCalls(workerData as ShapeName[]));

async function main(parts: readonly string[]): Promise<void> {
  requireNodeFfi();
  console.log(`Node ${process.version}, ${process.platform}, ${process.arch}`);
  for (const part of parts.length === 0 ? Object.keys(PARTS) : parts) {
    const print = PARTS[part];
    if (print === undefined)
      throw new Error(`Cannot measure '${part}': it must be one of ${Object.keys(PARTS).join(', ')}`);
    await print();
  }
}

async function printFacts(): Promise<void> {
  console.log();
  for (const [question, answer] of await askFacts()) console.log(`${question}: ${answer}`);
}

async function printCalls(): Promise<void> {
  const names = Object.keys(SHAPES) as ShapeName[];
  printCosts('each shape in a thread of its own', await costsOf(names.map((name) => [name])));
  printCosts('all shapes in one thread, as a program has them', await costsOf([names]));
}

/** Threads one after the other: what V8 has learnt of calls, it has learnt for one thread. */
async function costsOf(threads: readonly (readonly ShapeName[])[]): Promise<Record<string, Costs>> {
  const costs: Record<string, Costs> = {};
  for (const names of threads) {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: names,
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    const [measured] = (await once(worker, 'message')) as [Record<string, Costs>];
    Object.assign(costs, measured);
    await worker.terminate();
  }
  return costs;
}

function printCosts(title: string, costs: Readonly<Record<string, Costs>>): void {
  console.log(`\n${'ns and heap bytes per call'.padEnd(32)}${WAYS.map((way) => way.padStart(25)).join('')}\n${title}`);
  for (const [name, row] of Object.entries(costs)) {
    const cells = WAYS.map((way) => {
      const cost = row[way];
      return cost === undefined
        ? 'refused'
        : `${cost.nanoseconds.toFixed(0)} ns ${cost.heapBytes.toFixed(0).padStart(4)} B`;
    });
    const count = SHAPES[name as ShapeName].length;
    console.log(`${`${name} (${count})`.padEnd(32)}${cells.map((cell) => cell.padStart(25)).join('')}`);
  }
}

async function printLastErrors(): Promise<void> {
  console.log('\nerror codes lost, of calls; what was found in their place');
  for (const [between, row] of Object.entries(await measureLastErrors())) {
    for (const [way, { calls, lost, found }] of Object.entries(row)) {
      console.log(`${between.padEnd(40)}${way.padEnd(10)}${`${lost} of ${calls}`.padStart(22)}  ${found}`);
    }
  }
}
