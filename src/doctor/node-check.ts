/** Is this Node.js one that the package is for? npm only warns about it. */
import type { Check } from './report.ts';

/** What `engines` in package.json says. */
export const SUPPORTED_NODES = '^20.19.0 || >=22.12.0';

/** @param version of process.versions.node */
export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 23;
  const check = { name: 'Node.js', ms: 0, detail: version };
  if (supported) return { ...check, status: 'ok' };
  return { ...check, status: 'failed', advice: 'Install Node.js 20.19, 22.12 or newer: this one is not tested' };
}
