/** The examination: facts, checks of the providers, the self-test, and a verdict. */
import process from 'node:process';
import type { Platform } from '../platform/platform.ts';
import { Counters } from '../loop/counters.ts';
import { startWinsock } from '../runtime/create-context.ts';
import { Scratch } from '../memory/scratch.ts';
import type { Machine } from './machine.ts';
import { checkCatalog, checkSockets, describeProvider } from './provider-checks.ts';
import type { Check, DoctorReport, Facts } from './report.ts';
import { checkNode } from './node-check.ts';
import { systemFacts } from './system-facts.ts';
import { selfTest } from './self-test.ts';
import { withoutPaths } from './without-paths.ts';
import { messageOf } from '../../ffi/thrown.ts';

/** Never rejects: what goes wrong is in the report. */
export async function examine(machine: Machine, version: string, stepDeadlineMs?: number): Promise<DoctorReport> {
  const { simulated } = machine;
  let platform: Platform;
  try {
    platform = machine.platform();
    start(platform);
  } catch (error) {
    const reason = messageWithoutPaths(error);
    return { version, verdict: 'unable', reason, simulated, facts: { system: systemFacts() }, checks: [] };
  }
  const { facts, problem } = await machine.facts().then(
    (facts) => ({ facts, problem: null }),
    (error: unknown) => ({ facts: { system: systemFacts() }, problem: messageWithoutPaths(error) }),
  );
  const checks: Check[] = [checkNode(process.versions.node)];
  if (problem !== null) checks.push(lookFailed('facts of this machine', problem));
  const catalog = look(() => machine.catalog());
  if (typeof catalog === 'string') checks.push(lookFailed('the Winsock catalog', catalog));
  else checks.push(checkCatalog(catalog));
  const sockets = look(() => checkSockets(platform));
  checks.push(...(typeof sockets === 'string' ? [lookFailed('sockets', sockets)] : sockets));
  checks.push(...(await selfTest(machine, stepDeadlineMs)));
  const verdict = checks.some(({ status }) => status === 'failed') ? 'failed' : 'ok';
  const providers: Record<string, Facts> =
    typeof catalog === 'string' ? {} : { providers: { 'TCP and UDP': catalog.map(describeProvider) } };
  return { version, verdict, simulated, facts: { ...facts, ...providers }, checks };
}

function start(platform: Platform): void {
  const scratch = new Scratch(platform.memory);
  try {
    startWinsock(platform, new Counters(), scratch);
  } finally {
    scratch.dispose();
  }
}

/** What it returns, or the message of what it throws. */
function look<Value extends object>(at: () => Value): Value | string {
  try {
    return at();
  } catch (error) {
    return messageWithoutPaths(error);
  }
}

function lookFailed(name: string, detail: string): Check {
  const advice =
    'iocp-pal itself does not need this answer. The system refuses it: the message says which call has failed';
  return { name, status: 'note', ms: 0, detail, advice };
}

function messageWithoutPaths(error: unknown): string {
  return withoutPaths(messageOf(error));
}
