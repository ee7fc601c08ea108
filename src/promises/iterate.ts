/**
 * What comes, one after the other, until there is no more. Who leaves the loop before that, by break, return or an error of his own,
 * closes what it comes from.
 * @param next null when there is no more; what it is rejected with ends the loop, and closes nothing
 */
export async function* iterate<Item>(
  next: () => Promise<Item | null>,
  close: () => Promise<void>,
): AsyncGenerator<Item, undefined, undefined> {
  let isLeft = false;
  try {
    for (;;) {
      const item = await next();
      if (item === null) return;
      isLeft = true;
      yield item;
      isLeft = false;
    }
  } finally {
    if (isLeft) await close();
  }
}
