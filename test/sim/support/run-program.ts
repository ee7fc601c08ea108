/** Running programs, and telling about one that failed. */
import { describeProgram, type Program } from './program.ts';
import { World } from './world.ts';

/** Rejects when the library does what it must not. */
export async function runProgram(program: Program): Promise<void> {
  // Every operation that is cut off makes an error, and its stack trace is what it costs. explain() has them.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    await new World(program, false).run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The program, its trace and its failure: everything to see what happened. */
export async function explain(program: Program): Promise<string> {
  const world = new World(program, true);
  let failure = 'It passes when it is run again: something is not decided by the seed';
  try {
    await world.run();
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return `${describeProgram(program)}\n\n${world.network.trace()}\n\n${failure}`;
}
