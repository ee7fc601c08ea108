/** Exceptions that nobody catches, on purpose: mocha would take them for the test's failure. */
import process from 'node:process';

/** What was thrown and not caught while `act` ran. Mocha hears of uncaught exceptions again afterwards. */
export async function collectUncaught(act: () => Promise<void>): Promise<Error[]> {
  const listeners = process.listeners('uncaughtException');
  const thrown: Error[] = [];
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error));
  try {
    await act();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
  return thrown;
}
