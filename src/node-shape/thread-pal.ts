/** The PAL that the sockets of this thread are on. */
import { sharedPal } from '../index.ts';
import type { NetworkPal } from '../pal/network-pal.ts';

let given: NetworkPal | null = null;

/**
 * The thread's shared PAL, running.
 * @throws NetworkError where it cannot be started
 */
export function threadPal(): NetworkPal {
  return given ?? sharedPal();
}

/** Puts another PAL in its place, which runs already: for tests, on a simulated platform. */
export function useThreadPal(pal: NetworkPal | null): void {
  given = pal;
}
