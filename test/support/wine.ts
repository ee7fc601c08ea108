/**
 * Is the system below these tests Wine? For what Wine cannot show, and for nothing else: what a test accepts from Wine it
 * must not accept from Windows. No code outside of test/ asks.
 */
import process from 'node:process';
import { loadKoffi } from '../../ffi/koffi.ts';

/** True on the Windows node.exe under Wine; false on Windows, and on a host that simulates. */
export const underWine = process.platform === 'win32' && hasWineVersion();

/** Wine's ntdll has a function that Windows' has not: its version. */
function hasWineVersion(): boolean {
  try {
    loadKoffi().load('ntdll.dll').func('const char *wine_get_version()');
    return true;
  } catch {
    return false;
  }
}
