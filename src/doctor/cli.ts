/** `npx iocp-pal …`: the command line. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { examine } from './doctor.ts';
import type { Machine } from './machine.ts';
import { EXIT_CODES, formatReport } from './report.ts';
import { simulatedMachine } from './simulated-machine.ts';
import { windowsMachine } from './windows-machine.ts';
import { messageOf } from '../../ffi/thrown.ts';

export const USAGE = `npx iocp-pal doctor [--json] [--simulated]

Says what this machine is, as far as iocp-pal is concerned, and tries for a few seconds whether everything works: connections,
datagrams and a file on 127.0.0.1. Nothing leaves the machine, and what is printed names no user, folder or machine.

  --json        the report as JSON
  --simulated   examines the simulated platform instead, on any system
  --version     the version of iocp-pal
  --help        this text

Exit code: 0 when all is well, 1 when a check has failed, 2 when it cannot run here or with these arguments.`;

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: 0 | 1 | 2;
}

/** Runs a command line. Never rejects. @param machines for tests */
export async function run(
  args: readonly string[],
  machines: Readonly<Record<'windows' | 'simulated', () => Machine>> = {
    windows: windowsMachine,
    simulated: simulatedMachine,
  },
): Promise<CommandResult> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return usageError(messageOf(error));
  }
  const { values, positionals } = parsed;
  if (values.help) return { stdout: USAGE, stderr: '', code: 0 };
  if (values.version) return { stdout: readVersion(), stderr: '', code: 0 };
  const [command, ...rest] = positionals;
  if (command === undefined) return { stdout: '', stderr: USAGE, code: 2 };
  if (command !== 'doctor' || rest.length > 0) return usageError(`There is no command "${positionals.join(' ')}"`);
  const machine = values.simulated ? machines.simulated() : machines.windows();
  const report = await examine(machine, readVersion());
  const stdout = values.json ? JSON.stringify(report, null, 2) : formatReport(report);
  return { stdout, stderr: '', code: EXIT_CODES[report.verdict] };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      simulated: { type: 'boolean', default: false },
      version: { type: 'boolean', default: false, short: 'v' },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
}

function usageError(message: string): CommandResult {
  return { stdout: '', stderr: `${message}\n\n${USAGE}`, code: 2 };
}

/** Of the package that this file is in: from source two folders up, from dist/ three. */
function readVersion(): string {
  for (const up of ['../../', '../../../', '../../../../']) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8')) as Manifest;
      if (manifest.name === 'iocp-pal' && manifest.version !== undefined) return manifest.version;
    } catch {
      // Not here.
    }
  }
  return 'of unknown version';
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
}
