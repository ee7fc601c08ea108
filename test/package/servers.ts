/** Servers of other people that a test starts, where this machine has them: each at a port and in a folder of its own. */
import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { remove } from '../../scripts/remove.mjs';

export interface Started {
  port: number;
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
}

/** Where Debian puts the programs of PostgreSQL: a folder for each version, and none of them on the PATH. */
const POSTGRES_FOLDER = '/usr/lib/postgresql';
/** The user that nothing belongs to: PostgreSQL refuses to run as root. */
const NOBODY = 65_534;

/** @returns null where there is no redis-server */
export async function startRedis(): Promise<Started | null> {
  const program = '/usr/bin/redis-server';
  if (!existsSync(program)) return null;
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-redis-'));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  return start(program, args, {}, port, folder, 'Ready to accept connections');
}

/** @returns null where there is no PostgreSQL */
export async function startPostgres(): Promise<Started | null> {
  const [version] = existsSync(POSTGRES_FOLDER) ? readdirSync(POSTGRES_FOLDER).sort().slice(-1) : [];
  const bin = path.join(POSTGRES_FOLDER, version ?? '', 'bin');
  if (version === undefined || !existsSync(path.join(bin, 'initdb'))) return null;
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-postgres-'));
  const isRoot = userInfo().uid === 0;
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const options = { cwd: folder, ...(isRoot && { uid: NOBODY, gid: NOBODY }) };
  const data = path.join(folder, 'data');
  const made = spawnSync(
    path.join(bin, 'initdb'),
    ['--auth=trust', '--username=postgres', '--no-sync', '--encoding=UTF8', '--locale=C', data],
    { ...options, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb has failed: ${made.stdout}${made.stderr}`);
  const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F'];
  return start(path.join(bin, 'postgres'), args, options, port, folder, 'ready to accept connections');
}

async function start(
  program: string,
  args: string[],
  options: SpawnOptions,
  port: number,
  folder: string,
  ready: string,
): Promise<Started> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let says = '';
  await new Promise<void>((resolve, reject) => {
    const heard = (chunk: Buffer): void => {
      says += chunk.toString();
      if (says.includes(ready)) resolve();
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.on('error', reject);
    child.on('close', () => reject(new Error(`${program} has ended: ${says}`)));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGINT');
    await ended;
    remove(folder);
  };
  return { port, stop };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
