/** What npm would publish, packed once for all specs of this part, and projects in which it is installed. */
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runChild } from '../../scripts/child.mjs';
import { npmCommand } from '../../scripts/npm/npm.mjs';
import { packageFolder, root, wineFolder } from '../../scripts/paths.mjs';
import { removeAtExit } from '../../scripts/remove.mjs';

/** What `npm pack --json` says, as far as anybody asks. */
export interface PackResult {
  filename: string;
  unpackedSize: number;
  files: { path: string }[];
}

export interface Published {
  /** A folder of its own, which is removed when the process ends. */
  folder: string;
  packed: PackResult;
  tarball: string;
}

let published: Promise<Published> | undefined;

/** Builds and packs, the first time. */
export function publish(): Promise<Published> {
  return (published ??= build());
}

async function build(): Promise<Published> {
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-package-'));
  removeAtExit(folder);
  await run(process.execPath, [path.join(root, 'scripts', 'build.mjs')], root);
  const listing = await npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root);
  const packed = (JSON.parse(listing) as PackResult[])[0];
  if (packed === undefined) throw new Error(`npm pack says nothing: ${listing}`);
  return { folder, packed, tarball: path.join(folder, packed.filename) };
}

/** A project named so, with these folders' files in it, and the package installed as npm does it. Returns its folder. */
export async function makeProject(name: string, filesFrom: string[]): Promise<string> {
  const { folder, tarball } = await publish();
  const project = path.join(folder, name);
  for (const from of filesFrom) cpSync(path.join(packageFolder, from), project, { recursive: true });
  writeFileSync(path.join(project, 'package.json'), '{ "private": true }\n');
  await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball], project);
  return project;
}

/** Puts koffi's Windows binary where npm puts it on Windows. */
export function addWindowsBinary(nodeModules: string): void {
  if (process.platform === 'win32') return;
  const binary = path.join('@koromix', 'koffi-win32-x64');
  cpSync(path.join(wineFolder, 'node_modules', binary), path.join(nodeModules, binary), { recursive: true });
}

/** Runs a program, expects it to succeed, and returns what it printed. */
export async function run(command: string, args: string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await runChild(command, args, { cwd, stdio: 'pipe' });
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')} exited with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** Runs npm, expects it to succeed, and returns what it printed. */
export function npm(args: string[], cwd: string): Promise<string> {
  const { command, args: first } = npmCommand();
  return run(command, [...first, ...args], cwd);
}
