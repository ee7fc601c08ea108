/** The PAL that the sockets of this thread are on: made when the first one needs it. */
import { createNetworkPal } from '../index.ts';
import type { NetworkPal } from '../pal/network-pal.ts';

let current: NetworkPal | null = null;

/**
 * The PAL of this thread, running. One that has stopped is replaced by another.
 * @throws NetworkError where it cannot be started
 */
export function threadPal(): NetworkPal {
  if (current?.isRunning() === true) return current;
  const made = createNetworkPal();
  made.initialize();
  made.runEventLoop().catch(() => undefined); // its sockets are told of a loop that fails
  return (current = made);
}

/** Puts another PAL in its place, which runs already: for tests, on a simulated platform. */
export function useThreadPal(pal: NetworkPal): void {
  current = pal;
}
