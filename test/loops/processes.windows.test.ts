/** Sockets that go to another process, on real completion ports. */
import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SocketInfo } from '../../src/index.ts';
import { iocpSkipping } from '../support/beds.ts';
import { thrownBy } from '../support/errors.ts';
import { close, connect, pair, read, readExactly, write } from '../support/io.ts';
import { sharedPal } from '../support/pal-fixture.ts';

interface Answer {
  pid?: number;
  imported?: boolean;
  code?: string;
}

/** A process that imports what it is told to. */
class Importer {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly exited: Promise<number | null>;

  constructor() {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const script = fileURLToPath(new URL(`children/importer.${extension}`, import.meta.url));
    this.#child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface(this.#child.stdout!)[Symbol.asyncIterator]();
    this.exited = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  async answer(): Promise<Answer> {
    const line = await this.#answers.next();
    if (line.done === true) throw new Error('The process has ended');
    return JSON.parse(line.value) as Answer;
  }

  import(info: SocketInfo): Promise<Answer> {
    this.#child.stdin!.write(`${JSON.stringify(info)}\n`);
    return this.answer();
  }

  end(): Promise<number | null> {
    this.#child.stdin!.end();
    return this.exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

describe('sockets between processes', () => {
  const fixture = sharedPal(iocpSkipping);
  const children: Importer[] = [];
  const start = async (): Promise<{ child: Importer; pid: number }> => {
    const child = new Importer();
    children.push(child);
    const { pid } = await child.answer();
    return { child, pid: pid! };
  };
  afterEach(() => {
    for (const child of children.splice(0)) child.kill();
  });

  it('a connection moves, with the bytes that were on their way', async () => {
    const { pal } = fixture;
    const { child, pid } = await start();
    const { client, served } = await pair(pal, { deferAssociation: true });
    await write(pal, client, Buffer.from('early '));
    const info = pal.exportSocket(served, pid);
    expect(thrownBy(() => pal.getRemotePort(served)).code).to.equal('ERR_SOCKET_CLOSED');
    expect(await child.import(info)).to.deep.equal({ imported: true });
    await write(pal, client, Buffer.from('late'));
    expect((await readExactly(pal, client, 10)).toString()).to.equal('early late');
    pal.shutdown(client, 'send');
    expect((await read(pal, client)).length).to.equal(0);
    expect(await child.end()).to.equal(0);
  });

  it('a server is accepted from in another process', async () => {
    const { pal } = fixture;
    const { child, pid } = await start();
    const server = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    expect(await child.import(pal.exportSocket(server.handle, pid))).to.deep.equal({ imported: true });
    for (let count = 0; count < 3; count++) {
      const client = await connect(pal, '127.0.0.1', server.port);
      await write(pal, client, Buffer.from('hello'));
      expect((await readExactly(pal, client, 5)).toString()).to.equal('hello');
      await close(pal, client);
    }
    await child.end();
  });

  it('one process at a time: another one is told clearly', async () => {
    const { pal } = fixture;
    const [first, second] = await Promise.all([start(), start()]);
    const server = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    const infos = [first, second].map(({ pid }) => pal.exportSocket(server.handle, pid));
    expect(await first.child.import(infos[0]!)).to.deep.equal({ imported: true });
    expect(await second.child.import(infos[1]!)).to.deep.equal({ code: 'ERR_SOCKET_ASSOCIATED' });
    expect(thrownBy(() => pal.asyncAccept(server.handle, () => undefined)).code).to.equal('ERR_SOCKET_ASSOCIATED');
    // The one that has it still works.
    const client = await connect(pal, '127.0.0.1', server.port);
    await write(pal, client, Buffer.from('still'));
    expect((await readExactly(pal, client, 5)).toString()).to.equal('still');
    await Promise.all([first.child.end(), second.child.end()]);
  });

  it('refuses what is tied to this loop, what is for another process, and what is no socket', async () => {
    const { pal } = fixture;
    const { child, pid } = await start();
    const { client, served, server } = await pair(pal);
    for (const handle of [client, served, server.handle]) {
      expect(thrownBy(() => pal.exportSocket(handle, pid)).code).to.equal('ERR_SOCKET_ASSOCIATED');
    }
    const free = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    const info = pal.exportSocket(free.handle, pid);
    expect(thrownBy(() => pal.importServer(info)).code).to.equal('ERR_WRONG_PROCESS');
    expect(await child.import({ ...info, pid: process.pid })).to.deep.equal({ code: 'ERR_WRONG_PROCESS' });
    expect(() => pal.importSocket(info)).to.throw(TypeError, 'exportSocket() of a connection');
    expect(() => pal.importServer({} as never)).to.throw(TypeError, 'exportSocket() of a server');
    expect(() => pal.exportSocket(free.handle, 0)).to.throw(RangeError, 'pid');
    const nobody = thrownBy(() => pal.exportSocket(free.handle, 0x7ffffff0));
    expect(nobody).to.have.property('syscall', 'WSADuplicateSocketW');
    await child.end();
  });
});
