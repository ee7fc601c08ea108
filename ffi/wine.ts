/**
 * Wine's version, for reports: whoever reads one must know that the Windows in it is none. Nothing is decided by it.
 *
 * Source: https://wiki.winehq.org/Developer_FAQ#How_can_I_detect_Wine?
 */
import type { KoffiModule } from './koffi.ts';

/** Null on Windows, whose ntdll.dll has no such function. */
export function loadWineVersion(koffi: KoffiModule): string | null {
  try {
    const version: unknown = koffi.load('ntdll.dll').func('const char *wine_get_version()')();
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}
