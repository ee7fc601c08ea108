/**
 * Software of other people, and servers of theirs, on the published package: programs that know nothing of it, with
 * `--import iocp-pal/register` on the Windows node.exe. They are in software/programs, and say what came of it.
 */
import { expect } from 'chai';
import { runOnWindowsNode } from '../../scripts/wine.mjs';
import { startPostgres, startRedis, type Started } from './servers.ts';
import { softwareProject, versionOf } from './software-project.ts';

/** Building everything once, on a machine that does other things too. */
const TIMEOUT_MS = 900_000;
const windowsIsThere = process.env['IOCP_PAL_RUN_WINDOWS'] !== undefined;

interface Said extends Record<string, unknown> {
  /** Connections of the PAL. */
  accepted: number;
  connected: number;
}

describe('software that knows nothing of iocp-pal', function () {
  this.timeout(TIMEOUT_MS);
  this.slow(TIMEOUT_MS);
  let project: string;
  let server: Started | null = null;

  before(async function () {
    if (!windowsIsThere) return this.skip();
    project = await softwareProject();
  });

  afterEach(async () => {
    await server?.stop();
    server = null;
  });

  async function run(program: string, args: string[] = []): Promise<Said> {
    const { code, stdout, stderr } = await runOnWindowsNode(['--import', 'iocp-pal/register', program, ...args], {
      cwd: project,
      stdio: 'pipe',
    });
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Said;
  }

  it('node:http: bodies both ways on connections that are kept alive, an upgrade, a client that goes away', async () => {
    const { accepted, connected, ...said } = await run('node-http.mjs');
    expect(said).to.deep.equal({ ok: 40, large: 10, got: 20, aborted: 1, upgraded: 'through the tunnel' });
    expect(accepted).to.be.within(2, 10);
    expect(connected).to.equal(accepted);
  });

  it('node:https and node:tls: a server with a certificate, and TLS over a connection of ours', async () => {
    const { accepted, connected, ...said } = await run('node-https.mjs');
    expect(said).to.deep.equal({ answers: 'POST 90000', count: 10, authorized: true, same: true });
    // An https client connects on Node's own sockets: docs/node-compat.md.
    expect({ accepted, connected }).to.deep.equal({ accepted: 2, connected: 1 });
  });

  it('node:http2: many streams on one connection, with TLS and without', async () => {
    const { accepted, connected, ...said } = await run('node-http2.mjs');
    expect(said).to.deep.equal({ plain: { large: 10, got: 15 }, secure: { large: 10, got: 15 } });
    // Sessions without TLS, and all clients, stay on Node's own sockets: docs/node-compat.md.
    expect({ accepted, connected }).to.deep.equal({ accepted: 1, connected: 0 });
  });

  it(`ws ${versionOf('ws')}`, async () => {
    const { accepted, connected, ...said } = await run('ws.mjs');
    const received = 20 * (700_000 + 500);
    expect(said).to.deep.equal({ received, pong: 'are you there', codes: ['4000 done'] });
    expect({ accepted, connected }).to.deep.equal({ accepted: 20, connected: 20 });
  });

  it(`express ${versionOf('express')}`, async () => {
    const { accepted, ...said } = await run('express.mjs');
    expect(said).to.deep.include({ sum: 2_499_950_000, file: true, broken: '500 broken on purpose', missing: 404 });
    expect(accepted).to.be.at.least(1);
  });

  it(`fastify ${versionOf('fastify')}`, async () => {
    const { accepted, ...said } = await run('fastify.mjs');
    const bad = "body must have required property 'name'";
    expect(said).to.deep.include({ good: { greeting: 'hello world' }, bad, stream: 'one two three', hooks: 3 });
    expect(accepted).to.be.at.least(1);
  });

  it(`undici ${versionOf('undici')}`, async () => {
    const { accepted, connected, ...said } = await run('undici.mjs');
    const errors = { aborted: 'TimeoutError', cut: 'UND_ERR_SOCKET' };
    expect(said).to.deep.equal({ single: '/single 300000', answers: 60, ...errors });
    expect(accepted).to.be.at.least(4);
    expect(connected).to.equal(accepted);
  });

  it(`aedes ${versionOf('aedes')} and mqtt ${versionOf('mqtt')}`, async () => {
    const { accepted, connected, ...said } = await run('mqtt.mjs');
    expect(said).to.deep.equal({ messages: 61, will: true, kept: 'kept' });
    expect({ accepted, connected }).to.deep.equal({ accepted: 4, connected: 4 });
  });

  it(`ioredis ${versionOf('ioredis')}, with a Redis`, async function () {
    server = await startRedis();
    if (server === null) return this.skip(); // there is no redis-server on this machine
    const { connected, ...said } = await run('ioredis.mjs', [String(server.port)]);
    const texts = { popped: 'pushed', message: 'good news', error: 'ERR unknown command' };
    expect(said).to.deep.equal({ large: true, counter: 1000, ...texts, accepted: 0 });
    expect(connected).to.equal(3);
  });

  it(`pg ${versionOf('pg')}, with a PostgreSQL`, async function () {
    server = await startPostgres();
    if (server === null) return this.skip(); // there is no PostgreSQL on this machine
    const { connected, ...said } = await run('pg.mjs', [String(server.port)]);
    const found = { sum: 4950, length: 4950, rows: 5000, kept: 100, payload: 'good news', error: '42703' };
    expect(said).to.deep.equal({ ...found, accepted: 0 });
    expect(connected).to.be.within(2, 5);
  });
});
