/** An auto-reset event. */

export class SimulatedEvent {
  readonly number: number;
  isSet = false;
  /** Operations that will set it. */
  users = 0;
  /** Who waits for it, or looks: the thread, and the owner in its place. */
  readonly onSet = new Set<() => void>();

  constructor(number: number) {
    this.number = number;
  }

  set(): void {
    this.isSet = true;
    for (const heard of this.onSet) heard();
  }
}
