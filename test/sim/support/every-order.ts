/** A run of the simulated network, again and again, until every order of its steps has had its turn. */
import { ChoiceTree } from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';

/** Orders after which a setting counts as too large to be walked through. */
const MAX_ORDERS = 200_000;

/**
 * @param setting what all runs have in common, for the message of one that fails
 * @param run takes its choices from the tree, and says what came of them
 */
export async function everyOrderOf<Outcome>(
  setting: object,
  run: (tree: ChoiceTree) => Promise<Outcome>,
): Promise<{ outcomes: Set<Outcome>; orders: number }> {
  const outcomes = new Set<Outcome>();
  const tree = new ChoiceTree();
  let orders = 0;
  const { stackTraceLimit } = Error;
  // Every order has errors, as it should, and their stacks are an eighth of its time; with `npm run test:long` an error has its stack.
  if (!isLong) Error.stackTraceLimit = 0;
  try {
    do {
      orders++;
      if (orders > MAX_ORDERS) throw new Error(`More than ${MAX_ORDERS} orders`);
      try {
        outcomes.add(await run(tree));
      } catch (error) {
        throw new Error(`${JSON.stringify(setting)}, order ${tree.path.join(' ')}`, { cause: error });
      }
    } while (tree.advance());
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return { outcomes, orders };
}
