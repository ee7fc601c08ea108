/**
 * Is the system below these tests Wine, and which? For what Wine cannot show, and for nothing else: what a test accepts from
 * Wine it must not accept from Windows. No code outside of test/ asks.
 */
import process from 'node:process';
import { loadKoffi } from '../../ffi/koffi.ts';

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

/** Wine's ntdll has a function that Windows' has not: its version, as text. */
function askWine(): number | null {
  try {
    const ask = loadKoffi().load('ntdll.dll').func('const char *wine_get_version()') as () => string;
    return Number.parseFloat(ask());
  } catch {
    return null;
  }
}
