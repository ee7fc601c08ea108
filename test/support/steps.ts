/**
 * How many steps a piece of work takes: the executions of every block of the library's code, as V8 counts them for
 * coverage. The same work gives the same number on every machine, where a time would not.
 */
import { Session, type Profiler } from 'node:inspector';

/** The part of a URL that the library's own files have, from source and compiled. */
const OURS = /\/(src|ffi)\/(?!sim\/)/;

const session = new Session();

/** Counts from now on. Before the code that is to be counted is compiled. */
export function beginCounting(): void {
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
}

/** The steps of this work. */
export function countSteps(work: () => void): number {
  takeSteps();
  work();
  return takeSteps();
}

/** The steps since the last call of this. */
function takeSteps(): number {
  let steps = 0;
  session.post('Profiler.takePreciseCoverage', (error: Error | null, taken) => {
    if (error !== null) throw error;
    steps = sum(taken.result);
  });
  return steps;
}

function sum(scripts: readonly Profiler.ScriptCoverage[]): number {
  let steps = 0;
  for (const { url, functions } of scripts) {
    if (!OURS.test(url)) continue;
    for (const { ranges } of functions) for (const { count } of ranges) steps += count;
  }
  return steps;
}
