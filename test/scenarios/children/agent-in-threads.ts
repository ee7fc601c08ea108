/** What an agent that instruments worker threads may do to them: code of its own runs before theirs, and limits apply. */
import { syncBuiltinESMExports } from 'node:module';
import threads, { type WorkerOptions } from 'node:worker_threads';

/** Ways in which its code ends a thread. */
const ENDINGS = {
  exits: 'process.exit(3);',
  throws: `throw new Error('The agent has thrown');`,
  'runs-out-of-memory': 'const all = []; for (;;) all.push(new Array(100_000).fill(all.length));',
} as const;
export type Ending = keyof typeof ENDINGS;

export function isEnding(text: string): text is Ending {
  return Object.keys(ENDINGS).includes(text);
}

/**
 * Lets every thread that is started from now on end so.
 * @param when at its start, or with an event in hand that it has told nobody of: the count of those is the one thing that a waiter
 *   thread stores
 */
export function instrumentThreads(ending: Ending, when: 'start' | 'event'): void {
  const code =
    when === 'start'
      ? ENDINGS[ending]
      : `Atomics.store = () => { ${ENDINGS[ending]} }; // told by compareExchange alone`;
  const { Worker } = threads;
  class InstrumentedWorker extends Worker {
    constructor(program: string | URL, options: WorkerOptions = {}) {
      super(`${code}\n${String(program)}`, { ...options, resourceLimits: { maxOldGenerationSizeMb: 16 } });
    }
  }
  threads.Worker = InstrumentedWorker;
  syncBuiltinESMExports();
}
