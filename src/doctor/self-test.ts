/** Everything that iocp-pal promises, once with each waiter: on sockets of 127.0.0.1, with a deadline for each step. */
import { createNetworkPal } from '../index.ts';
import type { NetworkPal } from '../pal/network-pal.ts';
import type { WaiterKind } from '../platform/platform.ts';
import { now } from '../platform/node-timers.ts';
import { DeadlineError, withDeadline } from './deadline.ts';
import type { Machine } from './machine.ts';
import { readExactly, withPair, write } from './steps/pal-promises.ts';
import type { Check } from './report.ts';
import { StepFailure, type Step, type StepParts } from './steps/step.ts';
import { withoutPaths } from './without-paths.ts';
import { manyConnections } from './steps/many-connections.ts';
import { halfClose, refused, reset } from './steps/endings.ts';
import { cancel, datagrams, file } from './steps/transfers.ts';
import { messageOf } from '../../ffi/thrown.ts';

/** What takes longer hangs: a second is much on a machine that is not busy, 5 on one that is. */
const STEP_DEADLINE_MS = 30_000;
/** Lines of describe() that the report of a step which hangs has: the totals and a few sockets. */
const DESCRIBE_LINES = 8;
/** A first round trip that takes longer than this is worth a word, though nothing is wrong. */
const SLOW_START_MS = 3000;

const STEPS: readonly Step[] = [manyConnections, halfClose, reset, refused, datagrams, file, cancel];

/** Runs every step with each of the waiters. Never rejects. */
export async function selfTest(machine: Machine, deadlineMs = STEP_DEADLINE_MS): Promise<Check[]> {
  const checks: Check[] = [];
  for (const waiter of ['worker', 'inline'] as const) checks.push(...(await testWaiter(machine, waiter, deadlineMs)));
  return checks;
}

async function testWaiter(machine: Machine, waiter: WaiterKind, deadlineMs: number): Promise<Check[]> {
  const begun = now();
  const pal = createNetworkPal({ waiter, platform: machine.platform() });
  const name = (step: string): string => `${waiter} waiter: ${step}`;
  let looping: Promise<void>;
  try {
    pal.initialize();
    looping = pal.runEventLoop();
    looping.catch(() => undefined); // the step that waits for it reports it
  } catch (error) {
    const { detail, advice } = explain(error, 'initialize() says what is wrong');
    return [{ name: name('start'), status: 'failed', ms: now() - begun, detail, advice }];
  }
  const outcomes: Outcome[] = [];
  const parts: StepParts = {
    pal,
    now: () => machine.platform().scheduler.now(),
    withFile: (bytes, use) => machine.withFile(bytes, use),
  };
  for (const step of [firstRoundTrip(begun), ...STEPS]) {
    const outcome = await runStep(step, parts, looping, deadlineMs);
    outcomes.push(outcome);
    // What has hung, or ended the loop, says nothing about the next.
    if (!pal.isRunning() || outcome.hung) break;
  }
  outcomes.push(await runStep(stopping(looping), parts, null, deadlineMs));
  return outcomes.map(({ check }) => ({ ...check, name: name(check.name) }));
}

/** From before the PAL was made to the first bytes that came back. */
function firstRoundTrip(begun: number): Step {
  return {
    name: 'start and first round trip',
    advice: 'The waiter thread or the first connection failed: see the message',
    run: ({ pal }) =>
      withPair(pal, async (server, client) => {
        await write(pal, client, Buffer.from('first'));
        if (String(await readExactly(pal, server, 5)) !== 'first') throw new Error('other bytes came than were sent');
        const ms = Math.round(now() - begun);
        const slow = ms > SLOW_START_MS ? ': this machine is busy, or something looks at each file that is loaded' : '';
        return `${ms} ms from a cold start${slow}`;
      }),
  };
}

function stopping(looping: Promise<void>): Step {
  return {
    name: 'stop',
    advice: 'Something of the steps before is still under way in the system, and should have been cancelled',
    async run({ pal }) {
      await pal.stopEventLoop();
      await looping;
      return 'everything is closed';
    },
  };
}

interface Outcome {
  readonly check: Check;
  readonly hung: boolean;
}

async function runStep(
  step: Step,
  parts: StepParts,
  looping: Promise<void> | null,
  deadlineMs: number,
): Promise<Outcome> {
  const { name } = step;
  const begun = now();
  try {
    const running = step.run(parts);
    running.catch(() => undefined); // of one that is given up
    const ended = looping?.then(() => Promise.reject(new Error('the event loop has ended by itself')));
    const detail = await withDeadline(
      ended === undefined ? running : Promise.race([running, ended]),
      deadlineMs,
      `"${name}"`,
    );
    return { check: { name, status: 'ok', ms: now() - begun, detail }, hung: false };
  } catch (error) {
    const hung = error instanceof DeadlineError;
    const { detail, advice } = explain(error, step.advice);
    const state = hung ? `\n${stateOf(parts.pal)}` : '';
    return { check: { name, status: 'failed', ms: now() - begun, detail: `${detail}${state}`, advice }, hung };
  }
}

function explain(error: unknown, advice: string): { detail: string; advice: string } {
  if (error instanceof StepFailure) return { detail: error.message, advice: error.advice };
  return { detail: withoutPaths(messageOf(error)), advice };
}

function stateOf(pal: NetworkPal): string {
  try {
    return pal.describe().split('\n').slice(0, DESCRIBE_LINES).join('\n');
  } catch {
    return 'It has stopped';
  }
}
