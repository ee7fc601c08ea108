/** The poller thread is not a second process: what its process was started with does not happen in it again. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { besideTests, runChild, runNode, type ChildEnd } from '../support/child.ts';
import { remove } from '../run/remove.mjs';

/** An echo over an idle loop, in the text of a script that has no file. */
const ECHO = `
  import(${JSON.stringify(besideTests('../scenarios/children/idle-echo').href)})
    .then(({ idleEcho }) => idleEcho());
`;

function expectEcho({ code, stdout, stderr }: ChildEnd): void {
  expect(stderr).to.equal('');
  expect(stdout).to.include('echoed 3 bytes');
  expect(code, stdout).to.equal(0);
}

/** Adds to NODE_OPTIONS; what the runner has put there must stay. */
function withNodeOptions(more: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} ${more}`.trim() };
}

describe('options of the process that the poller thread must not inherit', function () {
  let folder = '';
  let log = '';
  /** Modules like those of agents: they note their run, and open a port that a second run could not open. */
  let required = '';
  let imported = '';

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-options-'));
    log = path.join(folder, 'runs.txt');
    required = path.join(folder, 'agent.cjs');
    imported = path.join(folder, 'agent.mjs');
    const note = `fs.appendFileSync(${JSON.stringify(log)}, 'run\\n');\n`;
    const open = 'if (process.env.AGENT_PORT) net.createServer().listen(Number(process.env.AGENT_PORT)).unref();\n';
    writeFileSync(required, `const fs = require('node:fs');\nconst net = require('node:net');\n${note}${open}`);
    writeFileSync(imported, `import fs from 'node:fs';\nimport net from 'node:net';\n${note}${open}`);
  });

  afterEach(() => {
    remove(folder);
  });

  const runs = (): number => readFileSync(log, 'utf8').trim().split('\n').length;

  it('node -e, as CommonJS', async () => {
    expectEcho(await runNode(['-e', ECHO]));
  });

  it('node --input-type=module -e', async () => {
    expectEcho(await runNode(['--input-type=module', '-e', ECHO]));
  });

  it('node --input-type=commonjs -e', async () => {
    expectEcho(await runNode(['--input-type=commonjs', '-e', ECHO]));
  });

  it('--input-type in NODE_OPTIONS', async () => {
    expectEcho(await runNode(['-e', ECHO], { env: withNodeOptions('--input-type=module') }));
  });

  it('--require of a module that counts its runs and opens a port', async () => {
    const env = { ...process.env, AGENT_PORT: await freePort() };
    expectEcho(await runNode(['--require', required, '-e', ECHO], { env }));
    expect(runs()).to.equal(1);
  });

  it('--import of a module that counts its runs and opens a port', async () => {
    const env = { ...process.env, AGENT_PORT: await freePort() };
    expectEcho(await runNode(['--import', pathToFileURL(imported).href, '-e', ECHO], { env }));
    expect(runs()).to.equal(1);
  });

  it('both of them in NODE_OPTIONS', async () => {
    const slashes = required.replaceAll('\\', '/');
    const env = withNodeOptions(`--require=${slashes} --import=${pathToFileURL(imported).href}`);
    expectEcho(await runNode(['-e', ECHO], { env: { ...env, AGENT_PORT: '' } }));
    expect(runs()).to.equal(2);
  });

  it('a preload that throws in every thread but the first', async () => {
    writeFileSync(required, "if (!require('node:worker_threads').isMainThread) throw new Error('only once');\n");
    expectEcho(await runNode(['--require', required, '-e', ECHO]));
  });

  it('NODE_OPTIONS that were changed while the process ran', async () => {
    const change = `process.env.NODE_OPTIONS = '--require=${required.replaceAll('\\', '/')}';\n`;
    writeFileSync(log, 'nothing');
    expectEcho(await runNode(['-e', change + ECHO]));
    expect(readFileSync(log, 'utf8')).to.equal('nothing');
  });

  it('NODE_V8_COVERAGE covers the process only', async () => {
    const coverage = path.join(folder, 'coverage');
    expectEcho(await runNode(['-e', ECHO], { env: { ...process.env, NODE_V8_COVERAGE: coverage } }));
    expect(readdirSync(coverage)).to.have.lengthOf(1);
  });

  it('the permission model, with what a PAL needs', async function () {
    // Node 20 knows it by its first name, and cannot allow addons.
    if (!process.allowedNodeEnvironmentFlags.has('--permission')) return this.skip();
    // Node warns of the flags themselves.
    const allowed = ['--no-warnings', '--permission', '--allow-addons', '--allow-worker', '--allow-fs-read=*'];
    expectEcho(await runNode([...allowed, '-e', ECHO]));
  });

  it('a PAL in a worker_thread that was started with options of its own', async () => {
    const end = await runChild('echo-in-thread', [required]);
    expectEcho(end);
    expect(runs()).to.equal(1);
  });
});

/** A port that nobody has at this moment. */
async function freePort(): Promise<string> {
  const { createServer } = await import('node:net');
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(String(port)));
    });
  });
}
