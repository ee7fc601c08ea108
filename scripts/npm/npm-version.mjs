// Which npm can install what is for another system than its own: the Windows binaries that Wine runs.

/**
 * npm knows `os` and `cpu` in an .npmrc since 9.9.0, and since 10.1.0 (10.0 does not). Older ones, such as the 9.2 of Debian 13,
 * pass over them in silence, find that an optional package is not for this system, and leave it out.
 * @param {string} version as `npm --version` says it
 * @returns {string | undefined} why it cannot, and what to do; undefined: it can, or nobody knows
 */
export function whyNotThisNpm(version) {
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  const knows = major > 10 || (major === 10 && minor >= 1) || (major === 9 && minor >= 9);
  if (knows || Number.isNaN(minor)) return undefined;
  return (
    `npm ${version} does not know os= and cpu= in .npmrc, and leaves out the binaries for Windows: ` +
    'it takes npm 9.9, 10.1 or newer; run "npm install --global npm@11"'
  );
}
