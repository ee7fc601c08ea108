/**
 * Three servers of ours behind HAProxy, each a process on the Windows node.exe: they are drained and restarted one after the other while
 * clients ask without a break, and not one request may fail; then one is killed, and only its own connections may end. The servers know
 * their clients by HAProxy's PROXY headers, which its health checks send too.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connect } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { remove } from '../../scripts/remove.mjs';
import { HaProxy, haproxyIsThere } from './balanced/haproxy.ts';
import { HeldConnection, Load } from './balanced/load.ts';
import { ServerProcess } from './balanced/server-process.ts';
import { Progress } from './live/progress.ts';
import { freePort } from './servers.ts';
import { softwareProject } from './software-project.ts';

const TIMEOUT_MS = 900_000;
const windowsIsThere = process.env['IOCP_PAL_RUN_WINDOWS'] !== undefined;
const without = haproxyIsThere ? '' : ' (skipped: this machine has no HAProxy)';
const NAMES = ['one', 'two', 'three'] as const;
const CLIENTS = 12;
/** Answers after which a phase has had its load. */
const SOME = 200;

type Name = (typeof NAMES)[number];

describe(`three servers behind HAProxy${without}`, function () {
  this.timeout(TIMEOUT_MS);
  this.slow(TIMEOUT_MS);
  const progress = new Progress();
  const servers = new Map<Name, ServerProcess>();
  const ports = new Map<Name, number>();
  let folder: string | undefined;
  let project: string;
  let port: number;
  let proxy: HaProxy | undefined;
  let load: Load | undefined;

  before(async function () {
    if (!windowsIsThere || !haproxyIsThere) return this.skip();
    project = await softwareProject();
    folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-haproxy-'));
    for (const name of NAMES) ports.set(name, await freePort());
    await Promise.all(NAMES.map(start));
    port = await freePort();
    const addresses = NAMES.map((name): [string, string] => [name, `127.0.0.1:${ports.get(name)}`]);
    proxy = new HaProxy(folder, port, addresses, progress);
    for (const name of NAMES) await says(name, ({ status }) => status === 'UP');
    load = new Load(port, CLIENTS, progress);
  });

  after(async () => {
    await load?.end();
    await proxy?.kill();
    await Promise.all(Array.from(servers.values(), (server) => server.kill()));
    if (folder !== undefined) remove(folder);
  });

  async function start(name: Name): Promise<void> {
    servers.set(name, await ServerProcess.start(project, name, ports.get(name) ?? 0));
  }

  /** Why nothing will come any more. */
  const broken = (): string | null => proxy?.failure ?? null;

  async function says(name: Name, what: (fields: Record<string, string>) => boolean): Promise<void> {
    await proxy?.says(name, what, broken);
  }

  /** Until this server, or all together, have given so many answers more. */
  async function answered(more: number, name?: Name): Promise<void> {
    const begun = load?.count(name) ?? 0;
    await progress.until(
      () => (load?.count(name) ?? 0) >= begun + more,
      () => `${more} answers of ${name ?? 'all'}`,
      broken,
    );
  }

  it('each has its share', async () => {
    for (const name of NAMES) await answered(SOME, name);
    expect(load?.broken).to.deep.equal([]);
  });

  for (const name of NAMES) {
    it(`${name} is drained and restarted, and no request fails`, async () => {
      await proxy?.order(`set server servers/${name} state drain`);
      await says(name, ({ scur }) => scur === '0');
      const before = load?.count(name);
      const end = await servers.get(name)?.stop();
      expect(end).to.deep.include({ code: 0, stderr: '' });
      await answered(SOME);
      expect(load?.count(name), 'answers of a server that is drained').to.equal(before);
      await start(name);
      await proxy?.order(`set server servers/${name} state ready`);
      await answered(SOME / 4, name);
      expect(load?.broken).to.deep.equal([]);
    });
  }

  it('one is killed: its own connections end, and no others', async () => {
    const held = await HeldConnection.toEach(port, NAMES);
    await servers.get('two')?.kill();
    await held.get('two')?.ended();
    await says('two', ({ status }) => status === 'DOWN');
    await answered(SOME);
    // Those that broke before their first answer may have been of the one that was killed, and of no other.
    expect(load?.broken.filter((name) => name !== 'two' && name !== '')).to.deep.equal([]);
    expect(load?.broken.length, 'connections that broke').to.be.at.most(CLIENTS);
    for (const name of ['one', 'three']) {
      expect(await held.get(name)?.ask()).to.equal(name);
      held.get(name)?.close();
    }
  });

  it('one that comes back gets its share little by little', async () => {
    await start('two');
    let first = NaN;
    const isUp = ({ status, weight }: Record<string, string>): boolean => {
      first = Number(weight);
      return status === 'UP';
    };
    await says('two', isUp);
    expect(first, 'its weight when it is up, of 100').to.be.below(100);
    await says('two', ({ weight }) => Number(weight) > first);
    await answered(SOME / 4, 'two');
    expect(load?.mistaken).to.deep.equal([]);
  });

  it('all have known their clients, and refuse who comes without a header', async () => {
    expect(load?.mistaken).to.deep.equal([]);
    expect(load?.count(), 'answers that say whose they are').to.be.at.least(NAMES.length * SOME);
    const direct = connect(ports.get('three') ?? 0, '127.0.0.1');
    direct.end('who\n');
    let answer = '';
    direct.on('error', () => undefined).on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await new Promise((resolve) => direct.once('close', resolve));
    expect(answer).to.equal('');
  });
});
