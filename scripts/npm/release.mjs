// node scripts/npm/release.mjs vX.Y.Z: may this tag be released? Exits with 1 and says what is missing when it may not.
// node scripts/npm/release.mjs --dist-tag vX.Y.Z: prints under which dist-tag npm shall publish it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../paths.mjs';

/** Semantic Versioning, without build metadata, which npm ignores. */
const VERSION = /^v(\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?)$/;

/**
 * @param {string} tag
 * @param {{ version?: string, repository?: unknown }} manifest package.json
 * @param {string} changelog
 * @returns {string[]} what is missing, in words
 */
export function obstacles(tag, manifest, changelog) {
  const version = VERSION.exec(tag)?.[1];
  if (version === undefined) return [`The tag is ${tag}; it has to be v and a version, as in v1.2.3`];
  const found = [];
  if (manifest.version !== version)
    found.push(`package.json has version ${manifest.version}; npm version ${version} --no-git-tag-version sets it`);
  if (manifest.repository === undefined)
    found.push(
      'package.json has no repository, and npm publishes no provenance without; CONTRIBUTING.md says what else is to be filled in',
    );
  const heading = changelog.split('\n').find((line) => line.startsWith(`## [${version}]`));
  if (heading === undefined) found.push(`CHANGELOG.md has no section ## [${version}]`);
  else if (!/ - \d{4}-\d{2}-\d{2}$/.test(heading))
    found.push(
      `CHANGELOG.md says "${heading}"; the date of the release belongs there, as in ## [${version}] - 2030-01-31`,
    );
  return found;
}

/**
 * `latest` is what npm installs when no version is asked for.
 * @param {string} tag
 */
export function distTag(tag) {
  return tag.includes('-') ? 'next' : 'latest';
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [first = '', second = ''] = process.argv.slice(2);
  if (first === '--dist-tag') console.log(distTag(second));
  else {
    const read = (/** @type {string} */ file) => readFileSync(path.join(root, file), 'utf8');
    const manifest = /** @type {{ version?: string, repository?: unknown }} */ (JSON.parse(read('package.json')));
    const found = obstacles(first, manifest, read('CHANGELOG.md'));
    for (const line of found) console.error(line);
    process.exitCode = found.length > 0 ? 1 : 0;
  }
}
