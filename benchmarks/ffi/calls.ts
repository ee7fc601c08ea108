/** Nanoseconds and heap bytes per call of each shape, the ways of calling it in turn. */
import { setFlagsFromString } from 'node:v8';
import { compileFunction, runInNewContext } from 'node:vm';
import { callersOf, SHAPES, type Caller, type ShapeName, type Way } from './shapes.ts';

const CALLS = 300_000;
const ROUNDS = 7;
/** Before them, so that V8 has compiled everything. */
const WARM_UP_ROUNDS = 3;
/** So few that the young generation, when it has just been emptied, takes what they allocate. */
const CALLS_OF_HEAP = 2000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Medians. */
export interface Cost {
  readonly nanoseconds: number;
  readonly heapBytes: number;
}

export type Costs = Partial<Record<Way, Cost>>;

type Loop = (call: Caller['call'], args: Caller['args'], times: number) => void;

/** Measures some shapes in this thread, one after the other. Their calls share whatever code of V8's and Node's they share. */
export function measureCalls(names: readonly ShapeName[]): Record<string, Costs> {
  return Object.fromEntries(names.map((name) => [name, measureShape(name)]));
}

function measureShape(name: ShapeName): Costs {
  const ways = [...callersOf(SHAPES[name])].map(([way, caller]) => ({
    way,
    run: loopOf(caller),
    nanoseconds: [] as number[],
    heapBytes: [] as number[],
  }));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const { run, nanoseconds, heapBytes } of ways) {
      const heap = heapBytesPerCall(run);
      const start = process.hrtime.bigint();
      run(CALLS);
      const time = Number(process.hrtime.bigint() - start) / CALLS;
      if (round < 0) continue;
      nanoseconds.push(time);
      heapBytes.push(heap);
    }
  }
  return Object.fromEntries(
    ways.map(({ way, nanoseconds, heapBytes }) => [
      way,
      { nanoseconds: median(nanoseconds), heapBytes: median(heapBytes) },
    ]),
  );
}

/** A call site of its own for each way, as a program has one for each function. */
function loopOf({ call, args, written }: Caller): (times: number) => void {
  const names = args.map((_, index) => `a${index}`);
  const body = `const [${names.join(', ')}] = args; for (let i = 0; i < times; i++) call(${names.map(written).join(', ')});`;
  const loop = compileFunction(body, ['call', 'args', 'times']) as Loop;
  return (times) => loop(call, args, times);
}

function heapBytesPerCall(run: (times: number) => void): number {
  collect();
  const start = process.memoryUsage().heapUsed;
  run(CALLS_OF_HEAP);
  return (process.memoryUsage().heapUsed - start) / CALLS_OF_HEAP;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
