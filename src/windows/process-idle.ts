/**
 * Node's 'beforeExit': nothing keeps the process alive any more. One listener for all PALs of this thread, and none while
 * there is no PAL: with one for each, Node would warn of a leak at the eleventh.
 */
import process from 'node:process';

const callbacks = new Set<{ readonly run: () => void }>();

function notifyAll(): void {
  // A copy: a listener may add listeners, or remove them.
  for (const callback of [...callbacks]) callback.run();
}

/** Calls back each time the process has become idle. Returns a function that takes it back. */
export function onProcessIdle(run: () => void): () => void {
  const callback = { run };
  if (callbacks.size === 0) process.on('beforeExit', notifyAll);
  callbacks.add(callback);
  return () => {
    if (callbacks.delete(callback) && callbacks.size === 0) process.off('beforeExit', notifyAll);
  };
}
