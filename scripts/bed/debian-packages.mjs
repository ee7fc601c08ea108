// Debian packages that the suite needs, installed where that is possible.
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { runChild } from '../child.mjs';

/** @param {string} program */
export function isOnPath(program) {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * @param {{ what: string, program: string, packages: string }} wanted
 *   what: its name in messages; program: what is on the PATH once it is installed; packages: as apt-get takes them
 * @returns {Promise<string | undefined>} why it cannot be, and what to do
 */
export async function installPackages({ what, program, packages }) {
  // A list of packages that is missing or old names what the server has no longer.
  const byHand = ['apt-get update', `apt-get install --no-install-recommends ${packages}`];
  if (!isOnPath('apt-get')) {
    return `${what} is not installed: install it (on Debian: "${byHand.join(' && ')}")`;
  }
  if (process.getuid?.() !== 0) {
    const withSudo = byHand.map((command) => `sudo ${command}`).join(' && ');
    return `${what} is not installed, and installing it needs root: run "${withSudo}"`;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const command of ['apt-get update', `apt-get install -y --no-install-recommends ${packages}`]) {
    console.error(`setup: ${command}`);
    const { code, stdout, stderr } = await runChild('/bin/sh', ['-c', command], { env, stdio: 'pipe' });
    if (code !== 0) return `${what} cannot be installed: "${command}" exited with ${code}\n${stdout}${stderr}`;
  }
  return isOnPath(program) ? undefined : `${what} is still not on the PATH after "${byHand.join(' && ')}"`;
}
