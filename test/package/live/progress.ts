/** Something that is waited for, while processes print what brings it nearer. */

/** A wait as long as this is in vain: a hundred times what any of them takes on an idle machine. */
const IN_VAIN_MS = 120_000;

export class Progress {
  readonly #looks = new Set<() => void>();

  /** Something has happened: whoever waits looks again. */
  made(): void {
    for (const look of this.#looks) look();
  }

  /**
   * Until `condition` holds.
   * @throws when `broken` says why it never will, or after minutes: Error with `what`
   */
  async until(condition: () => boolean, what: () => string, broken: () => string | null): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let look = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        look = () => {
          const why = broken();
          if (condition()) resolve();
          else if (why !== null) reject(new Error(`${why}, while this was waited for: ${what()}`));
        };
        timer = setTimeout(() => reject(new Error(`Waited in vain for ${what()}`)), IN_VAIN_MS);
        this.#looks.add(look);
        look();
      });
    } finally {
      clearTimeout(timer);
      this.#looks.delete(look);
    }
  }
}
