/**
 * Random programs: what users of a PAL may do, in any order, as numbers that fast-check generates and shrinks. Every
 * number means something, so that any sublist of a program is a program too.
 */
import fc from 'fast-check';
import type { FaultOptions, ProfileName } from '../../../src/sim/index.ts';
import type { World } from './world.ts';

export interface Program {
  /** Of the schedule, once the script is used up. 0: always the first possibility. */
  readonly seed: number;
  /** The schedule's first decisions. */
  readonly script: readonly number[];
  /** Everything that is fixed for the run, packed: see settingsOf. */
  readonly settings: number;
  readonly commands: readonly number[];
}

/** What a command does. Reading and writing come most, as in life. */
const ACTIONS = [
  'read',
  'write',
  'connect',
  'accept',
  'read',
  'write',
  'readTwice',
  'writeList',
  'end',
  'close',
  'reset',
  'closeTwice',
  'shutReceive',
  'shutBoth',
  'connectAndClose',
  'useStale',
  'writeAndClose',
  'read',
  'write',
  'connect',
  'accept',
  'pinnedRead',
  'pinnedWrite',
  'closeServer',
  'listen',
  'unref',
  'passTime',
  'watch',
  'connectNowhere',
  'sendFile',
  'read',
  'restart',
  'connectByName',
  'sendRevocableFile',
  'cancel',
  'cancel',
  'sendFile',
  'tryWrite',
  'readView',
  'tryWrite',
  'readView',
] as const;

/** The same for what goes between loops: one command in four is one of these. */
const LOOP_ACTIONS = [
  'remoteWrite',
  'transfer',
  'remotePost',
  'exportSocket',
  'remoteWrite',
  'remoteClose',
  'shareServer',
  'transfer',
] as const;

export type Action = (typeof ACTIONS)[number] | (typeof LOOP_ACTIONS)[number];

export interface Command {
  readonly action: Action;
  /** Which of the sockets, servers or PALs it is about, modulo their number. */
  readonly who: number;
  readonly size: number;
  /** Steps of the network before it. */
  readonly wait: number;
  /** It waits for the next callback and runs inside it. */
  readonly nested: boolean;
}

const SIZES = [1, 2, 7, 64, 65, 300, 511, 512, 513, 1500, 4096, 4097, 16385, 40000, 70000, 300000] as const;
const WAITS = [0, 0, 0, 1, 2, 3, 5, 20] as const;

/** Reads a command off its number: 6 bits for the action, 5 for who, 4 for the size, 3 for the wait, 2 for nested, 2 for loop. */
export function decode(command: number): Command {
  const local = ACTIONS[(command % 64) % ACTIONS.length] ?? 'read';
  return {
    action: (command >>> 20) % 4 === 3 ? (LOOP_ACTIONS[command % 8] ?? 'transfer') : local,
    who: (command >>> 6) % 32,
    size: SIZES[(command >>> 11) % 16] ?? 1,
    wait: WAITS[(command >>> 15) % 8] ?? 0,
    nested: (command >>> 18) % 4 === 1,
  };
}

/** Carries out one kind of command. */
export type Deed = (world: World, command: Command) => void;

export const COMMAND_LIMIT = 2 ** 22;
export const SETTINGS_LIMIT = 2 ** 21;

export interface Settings {
  readonly profile: ProfileName;
  readonly pals: 1 | 2;
  readonly skips: boolean;
  readonly waiter: 'worker' | 'inline';
  readonly ticks: boolean;
  readonly buffers: number | undefined;
  readonly ending: 'drain' | 'stop' | 'close';
  readonly faults: FaultOptions | undefined;
  readonly acceptDepth: number;
  readonly backlog: number;
  readonly slots: number;
  readonly impatient: boolean;
  /** Servers leave their connections without a port until they are used. */
  readonly defers: boolean;
  /** The PALs are in one process. */
  readonly oneProcess: boolean;
}

const BUFFERS = [undefined, 1000, 64, 20000] as const;
const ENDINGS = ['drain', 'stop', 'close', 'drain'] as const;

/** Failures that a program may meet: none in two of four, and in one only short sends. */
const FAULTS: readonly (FaultOptions | undefined)[] = [
  undefined,
  undefined,
  { shortSends: 4 },
  { calls: 20, operations: 20, shortSends: 5 },
];

/** Waiter threads that die, in some programs: whatever happens must be what happens without that. */
function withDeaths(faults: FaultOptions | undefined, deaths: boolean): FaultOptions | undefined {
  return deaths ? { ...faults, threads: 4 } : faults;
}

export function settingsOf({ settings }: Program): Settings {
  return {
    profile: settings % 2 === 0 ? 'windows' : 'wine',
    pals: (settings >>> 1) % 2 === 0 ? 1 : 2,
    skips: (settings >>> 2) % 2 === 1,
    waiter: (settings >>> 3) % 2 === 0 ? 'worker' : 'inline',
    buffers: BUFFERS[(settings >>> 4) % 4],
    ending: ENDINGS[(settings >>> 6) % 4] ?? 'drain',
    faults: withDeaths(FAULTS[(settings >>> 8) % 4], (settings >>> 21) % 4 === 3),
    acceptDepth: [1, 2, 4, 8][(settings >>> 10) % 4] ?? 1,
    ticks: (settings >>> 16) % 4 === 1, // of a fourth of the programs, none of which has a backlog of 1
    backlog: (settings >>> 15) % 8 === 7 ? 1 : 511,
    slots: (settings >>> 18) % 8 === 5 ? 16 : 128,
    impatient: (settings >>> 12) % 2 === 1,
    defers: (settings >>> 13) % 2 === 1,
    oneProcess: (settings >>> 14) % 2 === 1,
  };
}

/** Programs for fast-check. `fixed`: bits of the settings that are given, and which. */
export function programs(fixed: { mask: number; value: number } = { mask: 0, value: 0 }): fc.Arbitrary<Program> {
  return fc.record({
    seed: fc.integer({ min: 0, max: 0x7fffffff }),
    script: fc.array(fc.nat({ max: 255 }), { maxLength: 16 }),
    settings: fc.nat({ max: SETTINGS_LIMIT - 1 }).map((bits) => (bits & ~fixed.mask) | fixed.value),
    commands: fc.array(fc.nat({ max: COMMAND_LIMIT - 1 }), { minLength: 1, maxLength: 40, size: 'max' }),
  });
}

/** A program as text, for failures. */
export function describeProgram(program: Program): string {
  const lines = program.commands.map(decode).map(({ action, who, size, wait, nested }, index) => {
    return `  ${index}: ${action} who ${who} size ${size}${wait > 0 ? ` after ${wait} steps` : ''}${nested ? ', nested' : ''}`;
  });
  return [JSON.stringify(program), JSON.stringify(settingsOf(program)), ...lines].join('\n');
}
