/** What doctor looks at: the machine that it runs on, or a simulated one. */
import type { Platform } from '../platform/platform.ts';
import type { Provider } from './catalog.ts';
import type { Facts } from './report.ts';

export interface Machine {
  readonly simulated: boolean;
  /** The kernel of this process. Throws a NetworkError where there is none for iocp-pal. */
  platform(): Platform;
  /** What is installed for TCP and UDP. Winsock must have been started. */
  catalog(): readonly Provider[];
  /** Groups of facts by their headings; what cannot be had is null. Never rejects. */
  facts(): Promise<Readonly<Record<string, Facts>>>;
  /** Gives a path to a file with these bytes, and takes it away afterwards. */
  withFile<Value>(bytes: Uint8Array, use: (path: string) => Promise<Value>): Promise<Value>;
}
