/** Sockets that go to another process, on real completion ports. */
import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SocketInfo } from '../../../src/index.ts';
import { iocpSkipping } from '../../support/beds.ts';
import { thrownBy } from '../../support/errors.ts';
import { close, connect, echo, pair, read, readExactly, write } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

interface Answer {
  pid?: number;
  imported?: boolean;
  code?: string;
  accepted?: number;
  calls?: Record<string, number>;
  text?: string;
}

/** Milliseconds that a child has to describe itself after a failed test. */
const DESCRIBE_MS = 5000;

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

  /** How many connections it has accepted. */
  ask(): Promise<Answer> {
    this.#child.stdin!.write('\n');
    return this.answer();
  }

  /** What it has open, for the explanation of a test that failed; answers to earlier questions may come first. */
  async describe(): Promise<string> {
    this.#child.stdin!.write('describe\n');
    const silence = new Promise<Answer>((resolve) =>
      setTimeout(resolve, DESCRIBE_MS, { text: 'says nothing' }).unref(),
    );
    const answers: string[] = [];
    for (;;) {
      const next = this.answer().catch((error: unknown): Answer => ({ text: String(error) }));
      const answer = await Promise.race([next, silence]);
      answers.push(answer.text ?? JSON.stringify(answer));
      if (answer.text !== undefined) return answers.join('\n');
    }
  }

  end(): Promise<number | null> {
    this.#child.stdin!.end();
    return this.exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

describe('sockets between processes', function () {
  const fixture = sharedPal(iocpSkipping);
  const children: Importer[] = [];
  const start = async (): Promise<{ child: Importer; pid: number }> => {
    const child = new Importer();
    children.push(child);
    const { pid } = await child.answer();
    return { child, pid: pid! };
  };
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      console.error(`This process: ${fixture.describe()}`);
      for (const child of children) console.error(`Its child: ${await child.describe()}`);
    }
    for (const child of children.splice(0)) child.kill();
  });

  it('a connection moves, with the bytes that were on their way', async () => {
    const { pal } = fixture;
    const { child, pid } = await start();
    const { client, served } = await pair(pal, { deferAssociation: true });
    await write(pal, client, Buffer.from('early '));
    const info = pal.exportSocket(served, pid);
    expect(pal.getRemotePort(served)).to.equal(0);
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

  it('a server is accepted from by several processes at once, whichever has its port', async () => {
    const { pal } = fixture;
    const [first, second] = await Promise.all([start(), start()]);
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    let here = 0;
    const acceptHere = (): void =>
      void pal.asyncAccept(server.handle, (error, socket) => {
        if (error !== null) return;
        here++;
        echo(pal, socket).catch(() => undefined);
        acceptHere();
      });
    acceptHere();
    for (const { child, pid } of [first, second]) {
      expect(await child.import(pal.exportSocket(server.handle, pid))).to.deep.equal({ imported: true });
    }
    // All at once, so that whoever has an accept posted gets one.
    const clients = await Promise.all(Array.from({ length: 90 }, () => connect(pal, '127.0.0.1', server.port)));
    for (const client of clients) {
      await write(pal, client, Buffer.from('hello'));
      expect((await readExactly(pal, client, 5)).toString()).to.equal('hello');
    }
    const answers = [await first.child.ask(), await second.child.ask()];
    const counts = [answers[0]!.accepted!, answers[1]!.accepted!, here];
    for (const { calls } of answers) {
      expect(calls).to.include({ CreateEventW: 1 });
      expect(calls!['WaitForSingleObject']).to.be.above(0);
    }
    expect(counts.reduce((sum, one) => sum + one, 0)).to.equal(90);
    expect(counts[0]).to.be.above(0);
    expect(counts[1]).to.be.above(0);
    // Those that go leave the server to the others.
    await Promise.all([first.child.end(), close(pal, server.handle)]);
    const last = await connect(pal, '127.0.0.1', server.port);
    await write(pal, last, Buffer.from('still'));
    expect((await readExactly(pal, last, 5)).toString()).to.equal('still');
    expect((await second.child.ask()).accepted).to.equal(counts[1]! + 1);
    expect(await second.child.end()).to.equal(0);
  });

  it('refuses what is tied to this loop, what is for another process, and what is no socket', async () => {
    const { pal } = fixture;
    const { child, pid } = await start();
    const { client, served } = await pair(pal);
    for (const handle of [client, served]) {
      expect(thrownBy(() => pal.exportSocket(handle, pid)).code).to.equal('ERR_SOCKET_ASSOCIATED');
    }
    const { handle: udp } = pal.createUdpSocket('127.0.0.1', 0);
    expect(thrownBy(() => pal.exportSocket(udp, pid)).code).to.equal('ERR_INVALID_HANDLE_KIND');
    await close(pal, udp);
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
