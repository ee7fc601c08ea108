// The places the runners agree on.
import { homedir } from 'node:os';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

/** Node's Windows executables and koffi's Windows binary, for Wine. */
export const wineFolder = path.join(root, 'test', 'wine');

/** More of Node's Windows executables, which only newer versions of Wine start. */
export const newerNodesFolder = path.join(wineFolder, 'newer');

/** The TypeScript compilers of the package's users. */
export const packageFolder = path.join(root, 'test', 'package');

/** vitest, with WebAssembly in the place of the native programs that it brings: those do not start on every bed. */
export const vitestFolder = path.join(packageFolder, 'vitest');

/** Software of other people that runs on the package, as it is. */
export const softwareFolder = path.join(packageFolder, 'software');

/** Everything as compiled JavaScript, and the runners' own short-lived files. Ignored by git. */
export const buildFolder = path.join(root, '.build');

/** Outside the repository: a Wine prefix is large, and holds a link to / that file searches would follow. */
export const winePrefix =
  process.env['WINEPREFIX'] ??
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'iocp-pal-wine');
