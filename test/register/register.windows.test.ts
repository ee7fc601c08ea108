/** An unmodified program with `--import iocp-pal/register`, and without it. */
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { runNode } from '../support/child.ts';

const besideTests = (file: string): URL => new URL(file, import.meta.url);

/** What the program says of itself; it must end by itself. */
async function unmodified(args: string[], env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  return registered('unmodified', args, env);
}

async function registered(
  program: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const register = besideTests(`../../src/register/index.${extension}`).href;
  const script = fileURLToPath(besideTests(`./children/${program}.${extension}`));
  const { code, stdout, stderr } = await runNode(['--import', register, script, ...args], {
    env: { ...process.env, ...env },
  });
  expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

const DONE = {
  http: 'hello',
  isSocket: true,
  tls: 'secret',
  http2: 'streamed',
  http2Server: 'node',
  http2Client: 'node',
  echo: 'echoed',
  datagram: 'to itself',
  child: 'from a child',
  pipeIsSocket: true,
  refused: 'ERR_SOCKET_BAD_PORT',
};

// Without fetch() on Node's own sockets: undici's connect fails with UNKNOWN under Wine.
describe('iocp-pal/register', () => {
  it('puts its sockets under http, TLS and net, and leaves pipes to Node.js', async () => {
    const pal = { httpServer: 'pal', httpClient: 'pal', netServer: 'pal', netClient: 'pal', udpSocket: 'pal' };
    expect(await unmodified(['fetch'])).to.deep.equal({ ...DONE, ...pal, fetch: 'fetched' });
  });

  it('is taken back by unregister(): what exists goes on, and is what it was', async () => {
    expect(await registered('unregistered')).to.deep.equal({
      classIsOther: true,
      goesOn: true,
      isSocket: true,
      isServer: true,
      isDatagramSocket: true,
      isOfAClassOfItsOwn: false,
      isTls: false,
      nothingIs: false,
      newOnesAreNodes: true,
      newOfTheFormerClass: true,
      echo: 'still here',
    });
  });

  it('does nothing with IOCP_PAL_OFF=1', async () => {
    const node = { httpServer: 'node', httpClient: 'node', netServer: 'node', netClient: 'node', udpSocket: 'node' };
    expect(await unmodified([], { IOCP_PAL_OFF: '1' })).to.deep.equal({ ...DONE, ...node });
  });
});
