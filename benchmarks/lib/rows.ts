/** From the measurements of all rounds to the rows of the result. */
import { REFERENCE } from './peers.ts';
import { NOTHING_MEASURED, type Cell, type Measurement, type Scenario } from './scenario.ts';

/** One peer in one cell: medians over the rounds. */
export interface Row extends Cell, Measurement {
  peer: string;
  scenario: string;
  rounds: number;
  /** Median over the rounds of this peer's figure over node:net's in the same round. Null without one. */
  ratioToNodeNet: number | null;
  /** Why rounds are missing. */
  failures: string[];
}

/** What the rounds of one peer in one cell gave; a failed round is a message. */
export type Rounds = (Measurement | string)[];

export function makeRow(
  name: string,
  scenario: Scenario,
  cell: Cell,
  peer: string,
  byPeer: ReadonlyMap<string, Rounds>,
): Row {
  const rounds = byPeer.get(peer) ?? [];
  const reference = byPeer.get(REFERENCE) ?? [];
  const good = rounds.filter((round) => typeof round !== 'string');
  const ratios = rounds.flatMap((round, index) => {
    const other = reference[index];
    if (typeof round === 'string' || other === undefined || typeof other === 'string') return [];
    const [mine, theirs] = [round[scenario.ratioOf], other[scenario.ratioOf]];
    return mine === null || theirs === null || theirs <= 0 ? [] : [mine / theirs];
  });
  const names = Object.keys(NOTHING_MEASURED) as (keyof Measurement)[];
  const medians = names.map((figure) => [figure, median(good.map((round) => round[figure]))] as const);
  return {
    peer,
    scenario: name,
    ...cell,
    ...(Object.fromEntries(medians) as unknown as Measurement),
    rounds: good.length,
    ratioToNodeNet: median(ratios),
    failures: rounds.filter((round) => typeof round === 'string'),
  };
}

function median(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  return upper === undefined || lower === undefined ? null : (upper + lower) / 2;
}
