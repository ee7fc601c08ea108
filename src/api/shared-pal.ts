/**
 * One PAL for everybody in a thread who has no wish of his own: made, started and run by the first who asks.
 *
 * Nobody owns it, so nobody stops it: the process ends with it running (stopWhenIdle: false). When somebody stops it nevertheless,
 * or its wait fails for good, the next who asks gets another one.
 */
import process from 'node:process';
import type { NetworkPal } from '../pal/network-pal.ts';
import { inOwnContext } from '../platform/async-context.ts';
import type { PalOptions } from '../runtime/pal-options.ts';
import { CallContext } from './call-context.ts';
import { assemblePal } from './winsock-pal.ts';

/** All copies of this module in a thread share it: a bundle and node_modules may bring one each. The number is the contract's. */
const KEY = Symbol.for('iocp-pal.sharedPal.1');

/**
 * Bytes that one of its sockets may queue: what all may queue together. Streams and promises have back-pressure of their own, and their
 * users know no limit of a single write.
 */
const SHARED_QUEUE_BYTES = 2 ** 30;

interface Shared {
  readonly pal: NetworkPal;
  /** It runs, and is not about to stop. */
  readonly isOpen: () => boolean;
}

/** What keeps the PAL: the thread's globalThis. */
export interface SharedPalHolder {
  [KEY]?: Shared;
}

/** The holder's PAL. Throws NetworkError where initialize() does, and keeps nothing then. */
export function sharedPalOf(holder: SharedPalHolder, options: PalOptions): NetworkPal {
  const shared = holder[KEY];
  if (shared?.isOpen() === true) return shared.pal;
  const calls = new CallContext({ maxQueuedBytesPerSocket: SHARED_QUEUE_BYTES, ...options, stopWhenIdle: false });
  const pal = assemblePal(calls);
  pal.initialize();
  const { lifecycle } = calls;
  holder[KEY] = { pal, isOpen: () => lifecycle.isRunning && !lifecycle.isStopping };
  // What waits for the end of the loop lives as long as it does, and must not hold the stores of whoever came first.
  void inOwnContext(() => pal.runEventLoop().catch(warn));
  return pal;
}

/** Every call has been answered; but nobody has the promise that says why. */
function warn(error: unknown): void {
  process.emitWarning(
    `The event loop of sharedPal() has ended, and all its sockets are closed: ${String(error)}. The next call makes another one`,
    { type: 'NetworkPalWarning', code: 'IOCP_PAL_SHARED_LOOP_FAILED' },
  );
}
