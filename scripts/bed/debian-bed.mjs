// A Debian of another release in a folder, for its Wine: made from nothing, then entered with a copy of this checkout.
//
// Everything happens in namespaces of our own (unshare): what is mounted, and what runs, ends with the command, however it ends.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { runChild } from '../child.mjs';
import { copyCheckout } from '../copy-checkout.mjs';
import { hostEnvironment, hostFiles, mirror } from './bed-host.mjs';
import { withLock } from '../lock.mjs';
import { isOnPath } from './debian-packages.mjs';
import { remove } from '../remove.mjs';

const bedsFolder = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'iocp-pal-bed');

/** Where the copy of the checkout lies in the bed. */
const CHECKOUT = '/root/iocp-pal';

const PACKAGES = 'ca-certificates,git,procps,util-linux,xz-utils';

/** What turns a fresh Debian into a bed. Wine is not in it: the set-up of the project installs that itself. */
const RECIPE = [
  'apt-get update',
  'DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nodejs npm',
  'npm install --global --no-audit --no-fund npm@11', // Debian 13's own npm 9.2 cannot install for another system
];

/** Mounted in the bed. A /proc of its own, since the processes in it have numbers of their own. */
const MOUNTS = 'mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" && mount -t proc proc "$1/proc"';

/**
 * @param {string} release of Debian
 * @param {string[]} args of npm test; or --run and a shell command
 * @returns {Promise<number>} the exit code
 */
export async function main(release, args) {
  const impossible = whyNot();
  if (impossible !== undefined) {
    console.error(`Cannot make the bed ${release}: ${impossible}`);
    return 1;
  }
  mkdirSync(bedsFolder, { recursive: true });
  const bed = path.join(bedsFolder, release);
  return withLock(
    `${bed}.lock`,
    async () => {
      if (!isMade(bed) && !(await make(release, bed))) return 1;
      copyCheckout(path.join(bed, CHECKOUT));
      return run(bed, args);
    },
    () => console.error(`bed: waiting for another run on ${bed} to end (${bed}.lock)`),
  );
}

function whyNot() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs Linux on x64';
  if (process.getuid?.() !== 0) return 'it needs root, for debootstrap and chroot: run it with sudo';
  for (const [program, inPackage] of /** @type {const} */ ([
    ['debootstrap', 'debootstrap'],
    ['unshare', 'util-linux'],
    ['chroot', 'coreutils'],
    ['git', 'git'],
  ])) {
    if (isOnPath(program)) continue;
    return isOnPath('apt-get')
      ? `${program} is missing: run "apt-get update && apt-get install ${inPackage}"`
      : `${program} is missing, and this is no Debian or Ubuntu that could install it: use a container of debian:trixie`;
  }
  const { status, stderr } = spawnSync('unshare', ['--mount', '--pid', '--fork', 'true'], { encoding: 'utf8' });
  if (status !== 0) return `this system gives no namespaces (${stderr.trim()}): a container needs --privileged`;
  return undefined;
}

/** Changes with the way beds are made, so that old ones are made again. */
function stamp() {
  return `${createHash('sha256')
    .update([PACKAGES, ...RECIPE].join('\n'))
    .digest('hex')}\n`;
}

/** @param {string} bed */
const stampFile = (bed) => path.join(bed, 'etc', 'iocp-pal-bed');

/** @param {string} bed */
function isMade(bed) {
  return existsSync(stampFile(bed)) && readFileSync(stampFile(bed), 'utf8') === stamp();
}

/**
 * Makes it beside its place and renames it there, so that a bed that exists is always a whole one.
 * @param {string} release
 * @param {string} bed
 */
async function make(release, bed) {
  const draft = `${bed}.draft`;
  for (const folder of [bed, draft]) remove(folder);
  const from = mirror();
  console.error(`bed: debootstrap of Debian's ${release} in ${draft}, which takes a minute or two`);
  const debootstrap = [
    '--variant=minbase',
    `--include=${PACKAGES}`,
    release,
    draft,
    ...(from === undefined ? [] : [from]),
  ];
  if (!(await succeeds('debootstrap', debootstrap))) return false;
  for (const step of RECIPE) {
    console.error(`bed: ${step}`);
    if (!(await succeeds('unshare', inBed(draft, step), hostEnvironment()))) return false;
  }
  writeFileSync(stampFile(draft), stamp());
  renameSync(draft, bed);
  return true;
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
async function succeeds(command, args, env) {
  const { code, stdout, stderr } = await runChild(command, args, { stdio: 'pipe', ...(env && { env }) });
  if (code !== 0) console.error(`${stdout}${stderr}bed: ${command} exited with ${code}`);
  return code === 0;
}

/**
 * The arguments of unshare. The first process of a PID namespace takes all others along when it ends, and --kill-child ends it
 * with unshare: nothing in the bed outlives us, Wine's server and its services included.
 * @param {string} bed
 * @param {string} command of the shell
 */
function inBed(bed, command) {
  const enter = `${MOUNTS} && exec chroot "$1" /bin/sh -c "$2"`;
  for (const [file, contents] of hostFiles()) {
    const copy = path.join(bed, file);
    mkdirSync(path.dirname(copy), { recursive: true });
    writeFileSync(copy, contents);
  }
  return ['--mount', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', enter, 'sh', bed, command];
}

/**
 * @param {string} bed
 * @param {string[]} args
 */
async function run(bed, args) {
  const [first, ...rest] = args[0] === '--' ? args.slice(1) : args;
  const command =
    first === '--run'
      ? rest.join(' ')
      : `exec node scripts/test.mjs ${[first, ...rest]
          .filter((arg) => arg !== undefined)
          .map(quoted)
          .join(' ')}`;
  const { code } = await runChild('unshare', inBed(bed, `cd ${CHECKOUT} && ${command}`), { env: hostEnvironment() });
  return code;
}

/** @param {string} arg */
const quoted = (arg) => `'${arg.replaceAll("'", `'\\''`)}'`;
