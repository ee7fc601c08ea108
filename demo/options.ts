/** The command line of the demo. */
import { parseArgs } from 'node:util';
import type { WaiterKind } from '../src/index.ts';

/** What to run. */
export interface EchoOptions {
  connections: number;
  /** Messages that every connection sends, one after another. */
  messages: number;
  /** Bytes of a message. */
  size: number;
  /** Start of the random numbers: the same seed sends the same bytes. */
  seed: number;
  waiter: WaiterKind;
  /** Whether calls that succeed at once skip the completion port. */
  skip: 'auto' | boolean;
}

/** A command line that cannot be run; the message says what to change. */
export class UsageError extends Error {}

/** Every connection holds what it sends, what it expects and what the server echoes. */
const MAX_BYTES_HELD = 2 ** 30;

export const HELP = `An echo server and its clients in one process: every byte that comes back is checked.

  npm start -- [options]

  --connections N   connections, all open at a time, 1 … 10000        (1000)
  --messages N      messages that each of them sends, 1 … 1000000     (20)
  --size BYTES      bytes of a message, 1 … 16777216                  (512)
  --seed N          where the random bytes start, 0 … 4294967295      (1)
  --waiter KIND     worker: a thread waits for packets; inline: this thread does   (worker)
  --skip WHEN       calls that succeed at once skip the completion port: auto, on, off   (auto)
  --help            this text

Exit code: 0 when every byte matched, 1 when not, 2 for options that cannot be used.`;

/** Returns null when help was asked for. Throws UsageError. */
export function parseOptions(args: readonly string[]): EchoOptions | null {
  const values = parse(args);
  if (values.help) return null;
  const options: EchoOptions = {
    connections: integer('connections', values.connections, 1, 10_000),
    messages: integer('messages', values.messages, 1, 1_000_000),
    size: integer('size', values.size, 1, 2 ** 24),
    seed: integer('seed', values.seed, 0, 2 ** 32 - 1),
    waiter: waiter(values.waiter),
    skip: skip(values.skip),
  };
  const held = 3 * options.connections * options.size;
  if (held > MAX_BYTES_HELD) {
    throw new UsageError(
      `Cannot run ${options.connections} connections with messages of ${options.size} bytes: ` +
        `that is ${Math.round(held / 2 ** 20)} MiB of buffers, and 1024 are the limit. Lower --connections or --size`,
    );
  }
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        connections: { type: 'string', default: '1000' },
        messages: { type: 'string', default: '20' },
        size: { type: 'string', default: '512' },
        seed: { type: 'string', default: '1' },
        waiter: { type: 'string', default: 'worker' },
        skip: { type: 'string', default: 'auto' },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}. --help lists the options`);
  }
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`Cannot use --${name} ${text}: it must be a whole number from ${least} to ${most}`);
}

function waiter(text: string): WaiterKind {
  if (text === 'worker' || text === 'inline') return text;
  throw new UsageError(`Cannot use --waiter ${text}: it must be worker or inline`);
}

function skip(text: string): 'auto' | boolean {
  if (text === 'auto') return 'auto';
  if (text === 'on' || text === 'off') return text === 'on';
  throw new UsageError(`Cannot use --skip ${text}: it must be auto, on or off`);
}
