/** The backends by name, for programs that are told one on their command line. */
import type { PalOptions } from '../../src/index.ts';
import { wsapoll } from '../../src/wsapoll/index.ts';

/** The options that choose a backend: none for 'iocp', which is the default. */
export function onBackend(name: string): PalOptions {
  if (name === 'iocp') return {};
  if (name === wsapoll.name) return { backend: wsapoll };
  throw new Error(`There is no backend ${name}`);
}
