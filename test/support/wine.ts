/**
 * Is the system below these tests Wine, and which? For what Wine cannot show, and for nothing else: what a test accepts from
 * Wine it must not accept from Windows. No code outside of test/ decides anything by it; `npx iocp-pal doctor` prints it.
 */
import process from 'node:process';
import { loadKoffi } from '../../ffi/koffi.ts';
import { loadWineVersion } from '../../ffi/wine.ts';

/** Wine's version, such as 8 or 10.1; null on Windows, and on a host that simulates. */
export const wineVersion = process.platform === 'win32' ? askWine() : null;

/** True on the Windows node.exe under Wine; false on Windows, and on a host that simulates. */
export const underWine = wineVersion !== null;

/**
 * Wine of this version or newer, where something goes wrong that did not before. (Which release between two that were tried
 * brought it is not known, so the newer of the two is named.)
 */
export function underWineSince(version: number): boolean {
  return wineVersion !== null && wineVersion >= version;
}

function askWine(): number | null {
  const version = loadWineVersion(loadKoffi());
  return version === null ? null : Number.parseFloat(version);
}
