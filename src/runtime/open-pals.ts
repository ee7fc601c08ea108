/**
 * The PALs of this thread that are open, from initialize() to the end of their stop: for whoever wants to look at all of them.
 *
 * The list keeps none of them alive. One that works lives by what waits for it; one on a simulated network that a test has dropped
 * without a stop is to be collected.
 */

interface Describable {
  readonly palNumber: number;
  describe(): string;
}

/** All copies of this module in a thread share it: a bundle and node_modules may bring one each. The number is the contract's. */
const KEY = Symbol.for('iocp-pal.openPals.1');
const thread = globalThis as { [KEY]?: Set<WeakRef<Describable>> };
const list = thread[KEY] ?? new Set<WeakRef<Describable>>();
thread[KEY] = list;

const collected = new FinalizationRegistry<WeakRef<Describable>>((entry) => list.delete(entry));

/** Puts one on the list. Returns what takes it off again. */
export function listPal(pal: Describable): () => void {
  const entry = new WeakRef(pal);
  list.add(entry);
  collected.register(pal, entry, entry);
  return () => {
    list.delete(entry);
    collected.unregister(entry);
  };
}

/** A paragraph for each that is open, in the order in which they were initialized: its number, and what its describe() says. */
export function describeOpenPals(): string {
  const open = Array.from(list, (entry) => entry.deref()).filter((pal) => pal !== undefined);
  if (open.length === 0) return 'no PAL is open in this thread';
  return open.map((pal) => `PAL ${pal.palNumber}: ${pal.describe()}`).join('\n');
}
