/** The one that was made last, until somebody is sure to have heard of it. */
let unheard: SimulationError | null = null;

/** The code under test broke a rule that a real kernel would punish with corrupted memory, a hang or a lost packet. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';

  constructor(message: string) {
    super(message);
    remember(this);
  }
}

function remember(error: SimulationError): void {
  unheard = error;
}

/**
 * What was thrown and caught by the code under test, or null. It turns whatever is thrown while an operation starts into the
 * failure of that operation, but a broken rule must not look like a failure that a user may meet.
 */
export function takeUnheard(): SimulationError | null {
  const taken = unheard;
  unheard = null;
  return taken;
}
