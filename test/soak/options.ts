/** The command line of `npm run soak`. */
import { parseArgs } from 'node:util';

/** What goes on: `mixed` is everything that a PAL does, `live` is a relay of live streams. */
const PROFILES = { mixed: 'test/soak/main.ts', live: 'test/soak/live/main.ts' } as const;

export interface SoakOptions {
  readonly profile: keyof typeof PROFILES;
  readonly seconds: number;
  readonly seed: number;
  /** One in so many calls is made to fail; 0: none. */
  readonly faults: number;
  /** Only sessions whose kind has this in its name; '' has every kind. */
  readonly only: string;
  /** Where the chart goes, when it is to be kept. */
  readonly chart: string | undefined;
  /** Where the samples go, when they are to be kept. */
  readonly json: string | undefined;
}

/** The program of a profile. */
export function scriptOf({ profile }: SoakOptions): string {
  return PROFILES[profile];
}

export const HELP = `npm run soak -- [--profile NAME] [--minutes N | --seconds N] [--seed N] [--faults N] [--only TEXT] [--chart FILE] [--json FILE]

Mixed traffic on completion ports with calls that fail now and then, every byte compared; fails when a handle, a slot,
pinned memory, heap or RSS grows, or anything is left at rest.

  --profile NAME mixed, the default; live: docs/examples/rtmp-relay with publishers, players, stalls, resets, floods of half
                 handshakes, and each minute a process that is killed. Nothing is injected there
  --minutes N    how long, default 1; --seconds N for less. A verdict on growth takes about 40 s.
  --seed N       what is done, and what fails; default 1
  --faults N     one in N calls fails, default 400; 0: none
  --only TEXT    only sessions whose kind has this in its name: which one is it that leaks?
  --chart FILE   keep the chart (SVG)
  --json FILE    keep the samples`;

/** Returns the options, or null when help was asked for. Throws TypeError or RangeError for what makes no sense. */
export function parseOptions(args: string[]): SoakOptions | null {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', default: false },
      minutes: { type: 'string' },
      profile: { type: 'string', default: 'mixed' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string', default: '400' },
      only: { type: 'string', default: '' },
      chart: { type: 'string' },
      json: { type: 'string' },
    },
  });
  if (values.help) return null;
  const { profile } = values;
  if (profile !== 'mixed' && profile !== 'live')
    throw new RangeError(`Cannot use --profile ${profile}: it must be mixed or live`);
  const minutes = positive('minutes', values.minutes ?? '1');
  return {
    profile,
    seconds: values.seconds === undefined ? minutes * 60 : positive('seconds', values.seconds),
    seed: whole('seed', values.seed),
    faults: whole('faults', values.faults),
    only: values.only,
    chart: values.chart,
    json: values.json,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new RangeError(`Cannot use --${name} ${text}: it must be a number above 0`);
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= 0) return value;
  throw new RangeError(`Cannot use --${name} ${text}: it must be a whole number, 0 or more`);
}
