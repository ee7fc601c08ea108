/** Fake timers as test runners install them, whose time nobody moves: what is planned with them never happens. */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

/** What vitest, jest and sinon replace by default or when they are asked to. */
const REPLACED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'queueMicrotask',
] as const;

/** A timer object of sinon's kind. */
const timer = { ref: () => timer, unref: () => timer, hasRef: () => true, refresh: () => timer };

/** Replaces the globals, the members of node:timers, Date, performance and process.nextTick. Returns what undoes it. */
export function freezeTimers(): () => void {
  const undo: (() => void)[] = [];
  const replace = (object: object, name: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, before);
    });
  };
  const timersModule = createRequire(import.meta.url)('node:timers') as object;
  for (const name of REPLACED) {
    const frozen = (): typeof timer => timer;
    replace(globalThis, name, frozen);
    if (name in timersModule) replace(timersModule, name, frozen);
  }
  const start = performance.now();
  replace(performance, 'now', () => start);
  replace(globalThis, 'performance', { now: () => start });
  replace(
    globalThis,
    'Date',
    class extends Date {
      static override now(): number {
        return 0;
      }
    },
  );
  replace(process, 'hrtime', () => [0, 0]);
  replace(process, 'nextTick', () => undefined);
  syncBuiltinESMExports();
  return () => {
    for (const step of undo.reverse()) step();
    syncBuiltinESMExports();
  };
}
