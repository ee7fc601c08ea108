/** The waiter thread is not a second process: what its process was started with does not happen in it again. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { besideTests, runChild, runNode, testsInPairs, type ChildEnd } from '../support/child.ts';
import { remove } from '../../scripts/remove.mjs';

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

/** Modules like those of agents: they note their run, and open a port that a second run could not open. */
class Agent {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-options-'));
  readonly log = path.join(this.folder, 'runs.txt');
  readonly required = path.join(this.folder, 'agent.cjs');
  readonly imported = path.join(this.folder, 'agent.mjs');

  constructor() {
    const note = `fs.appendFileSync(${JSON.stringify(this.log)}, 'run\\n');\n`;
    const open = 'if (process.env.AGENT_PORT) net.createServer().listen(Number(process.env.AGENT_PORT)).unref();\n';
    writeFileSync(this.required, `const fs = require('node:fs');\nconst net = require('node:net');\n${note}${open}`);
    writeFileSync(this.imported, `import fs from 'node:fs';\nimport net from 'node:net';\n${note}${open}`);
  }

  get runs(): number {
    return readFileSync(this.log, 'utf8').trim().split('\n').length;
  }
}

/** How a process ended that may have had an agent. */
interface Ended {
  readonly end: ChildEnd;
  readonly agent: Agent;
}

describe('options of the process that the waiter thread must not inherit', () => {
  const inPairs = testsInPairs<Ended>();
  const agents: Agent[] = [];
  after(() => {
    for (const { folder } of agents) remove(folder);
  });

  /** The process must echo, and nothing else; then come the checks. */
  function test(
    title: string,
    start: (agent: Agent) => ChildEnd | Promise<ChildEnd>,
    check: (agent: Agent) => void = () => undefined,
  ): void {
    const begin = async (): Promise<Ended> => {
      const agent = new Agent();
      agents.push(agent);
      return { end: await start(agent), agent };
    };
    inPairs(title, begin, ({ end, agent }) => {
      expectEcho(end);
      check(agent);
    });
  }

  const ranOnce = ({ runs }: Agent): void => {
    expect(runs).to.equal(1);
  };

  test('node -e, as CommonJS', () => runNode(['-e', ECHO]));

  test('node --input-type=module -e', () => runNode(['--input-type=module', '-e', ECHO]));

  test('node --input-type=commonjs -e', () => runNode(['--input-type=commonjs', '-e', ECHO]));

  test('--input-type in NODE_OPTIONS', () => runNode(['-e', ECHO], { env: withNodeOptions('--input-type=module') }));

  test(
    '--require of a module that counts its runs and opens a port',
    async ({ required }) => {
      const env = { ...process.env, AGENT_PORT: await freePort() };
      return runNode(['--require', required, '-e', ECHO], { env });
    },
    ranOnce,
  );

  test(
    '--import of a module that counts its runs and opens a port',
    async ({ imported }) => {
      const env = { ...process.env, AGENT_PORT: await freePort() };
      return runNode(['--import', pathToFileURL(imported).href, '-e', ECHO], { env });
    },
    ranOnce,
  );

  test(
    'both of them in NODE_OPTIONS',
    ({ required, imported }) => {
      const slashes = required.replaceAll('\\', '/');
      const env = withNodeOptions(`--require=${slashes} --import=${pathToFileURL(imported).href}`);
      return runNode(['-e', ECHO], { env: { ...env, AGENT_PORT: '' } });
    },
    ({ runs }) => expect(runs).to.equal(2),
  );

  test('a preload that throws in every thread but the first', ({ required }) => {
    writeFileSync(required, "if (!require('node:worker_threads').isMainThread) throw new Error('only once');\n");
    return runNode(['--require', required, '-e', ECHO]);
  });

  test(
    'NODE_OPTIONS that were changed while the process ran',
    ({ required, log }) => {
      const change = `process.env.NODE_OPTIONS = '--require=${required.replaceAll('\\', '/')}';\n`;
      writeFileSync(log, 'nothing');
      return runNode(['-e', change + ECHO]);
    },
    ({ log }) => expect(readFileSync(log, 'utf8')).to.equal('nothing'),
  );

  test(
    'NODE_V8_COVERAGE covers the process only',
    ({ folder }) => runNode(['-e', ECHO], { env: { ...process.env, NODE_V8_COVERAGE: path.join(folder, 'coverage') } }),
    ({ folder }) => expect(readdirSync(path.join(folder, 'coverage'))).to.have.lengthOf(1),
  );

  test(
    'a PAL in a worker_thread that was started with options of its own',
    ({ required }) => runChild('echo-in-thread', [required]),
    ranOnce,
  );

  it('the permission model, with what a PAL needs', async function () {
    // Node 20 knows it by its first name, and cannot allow addons.
    if (!process.allowedNodeEnvironmentFlags.has('--permission')) return this.skip();
    // Node warns of the flags themselves.
    const allowed = ['--no-warnings', '--permission', '--allow-addons', '--allow-worker', '--allow-fs-read=*'];
    expectEcho(await runNode([...allowed, '-e', ECHO]));
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
