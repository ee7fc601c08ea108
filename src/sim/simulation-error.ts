/** The code under test broke a rule that a real kernel would punish with corrupted memory, a hang or a lost packet. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
}
