// The Windows headers, for test/ffi/headers.test.ts: a second source of every number in ffi/.
import { installPackages, isOnPath } from '../bed/debian-packages.mjs';

/** The compiler that has them. */
const COMPILER = 'x86_64-w64-mingw32-gcc';
/** The smallest set of packages with it: 56 MB to fetch. */
const PACKAGES = 'gcc-mingw-w64-x86-64-win32';

/** A pipeline must not leave that test out. On a developer's machine it is skipped where the compiler is missing. */
export function areHeadersMissing() {
  const wanted = Boolean(process.env['CI']) && process.platform === 'linux' && process.arch === 'x64';
  return wanted && !isOnPath(COMPILER);
}

/** @returns {Promise<string | undefined>} why they cannot be had, and what to do */
export function installHeaders() {
  return installPackages({
    what: `${COMPILER}, which has the Windows headers,`,
    program: COMPILER,
    packages: PACKAGES,
  });
}
