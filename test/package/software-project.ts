/** The project in which software of other people runs on the published package: its programs, and what npm installs for them. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { softwareFolder } from '../../scripts/paths.mjs';
import { addWindowsBinary, makeProject, publish } from './published.ts';

let project: Promise<string> | undefined;

/** Its folder; it is made the first time. */
export function softwareProject(): Promise<string> {
  return (project ??= make());
}

async function make(): Promise<string> {
  const around = path.join((await publish()).folder, 'software');
  mkdirSync(around);
  symlinkSync(path.join(softwareFolder, 'node_modules'), path.join(around, 'node_modules'), 'junction');
  const folder = await makeProject(path.join('software', 'project'), [path.join('software', 'programs')]);
  addWindowsBinary(path.join(folder, 'node_modules'));
  return folder;
}

/** The version of a package that is installed there. */
export function versionOf(name: string): string {
  const file = path.join(softwareFolder, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
