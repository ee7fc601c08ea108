/** The examples for promises and for servers of http under docs/examples, each run as it stands: on this system, and on Windows. */
import { expect } from 'chai';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { WebSocket } from 'ws';
import { removeAtExit } from '../../scripts/remove.mjs';
import { seededBytes } from '../support/bytes.ts';
import { COMMAND_TIMEOUT_MS, startCommand, startHere, type Command } from './command.ts';

/** Lines of 4000 bytes that are said at once: fewer than a member's queue takes. And how often: several times what two systems' buffers take. */
const LINES_AT_ONCE = 40;
const FLOODS = 120;

type Start = (name: string, ...args: string[]) => Command;

const fileOf = (name: string): string => path.join('docs', 'examples', name);
const systems: readonly (readonly [system: string, start: Start])[] = [
  ['this system', (name, ...args) => startHere(fileOf(name), args)],
  ['Windows', (name, ...args) => startCommand('wine.mjs', [fileOf(name), ...args])],
];

for (const [system, start] of systems) {
  describe(`docs/examples, on ${system}`, function () {
    this.timeout(COMMAND_TIMEOUT_MS);
    this.slow(COMMAND_TIMEOUT_MS);
    const sockets = new Set<Socket>();
    before(function () {
      const isAsked = process.env['IOCP_PAL_RUN_WINDOWS'] !== undefined;
      if (system === 'Windows' && (!isAsked || process.platform === 'win32')) this.skip();
    });
    // Whatever becomes of the test.
    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    });

    /** Starts a server of TCP. */
    async function serving(name: string, ...args: string[]): Promise<{ command: Command; port: number }> {
      const command = start(name, ...args);
      const [, port] = await command.prints(/ (?:http:\/\/)?127\.0\.0\.1:(\d+)\/?$/m);
      return { command, port: Number(port) };
    }

    async function client(port: number): Promise<Socket> {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      sockets.add(socket);
      await once(socket, 'connect');
      return socket;
    }

    async function endOf(command: Command): Promise<string> {
      command.endInput();
      const { code, stdout, stderr } = await command.ended;
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      return stdout;
    }

    it('echo-client.ts sends its input, shows what comes back, and ends behind its input', async () => {
      const server = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const command = start('echo-client.ts', String(port));
      await command.prints(/^connected to 127\.0\.0\.1:\d+$/m);
      command.type('hello\n');
      await command.prints(/^hello$/m);
      command.type('without an end of line');
      expect(await endOf(command)).to.match(/^without an end of line$/m);
      server.close();
    });

    it('echo-client.ts ends when the server does', async () => {
      const server = createServer((socket) => socket.end('good-bye\n')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const command = start('echo-client.ts', String((server.address() as AddressInfo).port));
      const { code, stdout, stderr } = await command.ended;
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout).to.match(/^good-bye$/m);
      server.close();
    });

    it('chat-server.ts tells all others what one says, and drops what a slow reader does not take', async () => {
      const { command, port } = await serving('chat-server.ts', '0');
      const [one, two, slow] = [await client(port), await client(port), await client(port)];
      const [first, second] = [linesOf(one), linesOf(two)];
      // Whoever is heard is a member.
      while (!second.text.includes('here')) await Promise.all([say(one, 'here'), say(slow, 'here'), second.more()]);
      while (!first.text.includes('and me')) await Promise.all([say(two, 'and me'), first.more()]);
      expect(first.text, 'nobody hears himself').not.to.include(`guest ${one.localPort}:`);
      slow.pause();
      const flooding = flood(one, second);
      const dropped = until(slow, /\(\d+ lines were dropped: you read too slowly\)/, flooding.isFar);
      await dropped;
      flooding.end();
      for (const socket of [one, two, slow]) socket.destroy();
      await endOf(command);
    });

    it('chat-server.ts disconnects a slow reader where it is told to', async () => {
      const { command, port } = await serving('chat-server.ts', '0', 'disconnect');
      const [one, two, slow] = [await client(port), await client(port), await client(port)];
      const second = linesOf(two);
      while (!second.text.includes('here')) await Promise.all([say(one, 'here'), say(slow, 'here'), second.more()]);
      slow.pause();
      const closed = closeOf(slow);
      const flooding = flood(one, second);
      await flooding.isFar;
      slow.resume();
      await closed;
      flooding.end();
      await endOf(command);
    });

    it('framing.ts answers each message, however its bytes come, and refuses what is too long', async () => {
      const { command, port } = await serving('framing.ts', '0');
      const socket = await client(port);
      socket.setNoDelay();
      const answers = messagesOf(socket);
      for (const byte of messageOf('[1, 2, 3]')) socket.write(Buffer.of(byte));
      expect(await answers.next()).to.equal('6');
      socket.write(Buffer.concat([messageOf('[10, 20]'), messageOf('[]'), messageOf('[5]')]));
      expect([await answers.next(), await answers.next(), await answers.next()]).to.deep.equal(['30', '0', '5']);
      const closed = closeOf(socket);
      socket.write(Buffer.from([255, 255, 255, 255]));
      await closed;
      command.endInput();
      const { code, stderr } = await command.ended;
      expect(code).to.equal(0);
      expect(stderr).to.match(/^127\.0\.0\.1:\d+: RangeError: A message of 4294967295 bytes is refused/);
    });

    it('udp-request.ts asks, and is answered', async () => {
      const command = start('udp-request.ts', 'answer', '0');
      const [, port = ''] = await command.prints(/^answers on UDP 127\.0\.0\.1:(\d+)$/m);
      const asking = await start('udp-request.ts', 'ask', port, 'Ada').ended;
      expect(asking).to.deep.include({ code: 0, stdout: 'hello, Ada\n', stderr: '' });
      await endOf(command);
    });

    it('http-and-ws.ts serves http and WebSockets, and says good-bye to both', async () => {
      const { command, port } = await serving('http-and-ws.ts', '0');
      const response = await fetch(`http://127.0.0.1:${port}/one`, { headers: { connection: 'close' } });
      expect(await response.text()).to.equal('you asked for /one\n');
      const webSocket = new WebSocket(`ws://127.0.0.1:${port}/`);
      await once(webSocket, 'open');
      for (const message of ['text', seededBytes(100_000, 1)]) {
        const answered = once(webSocket, 'message');
        webSocket.send(message);
        const [data, isBinary] = (await answered) as [Buffer, boolean];
        expect(isBinary).to.equal(typeof message !== 'string');
        expect(data.equals(Buffer.from(message))).to.equal(true);
      }
      const closed = once(webSocket, 'close');
      command.endInput();
      expect((await closed)[0]).to.equal(1001);
      expect((await command.ended).code).to.equal(0);
    });

    it('seeded-test.ts passes', async () => {
      const { code, stdout } = await start('seeded-test.ts').ended;
      expect(code, stdout).to.equal(0);
      expect(stdout).to.match(/(#|ℹ) pass 25$/m);
    });

    it('stop-signal.ts ends a server on Ctrl+C', async function () {
      if (process.platform === 'win32') return this.skip(); // no process can send it to one alone
      const { command, port } = await serving('framing.ts', '0');
      const socket = await client(port);
      socket.write(messageOf('[1]'));
      expect(await messagesOf(socket).next(), 'it serves, so it listens to signals').to.equal('1');
      const closed = closeOf(socket);
      command.interrupt();
      socket.end();
      expect((await command.ended).code).to.equal(0);
      await closed;
    });

    describe('static-files.ts', () => {
      let command: Command;
      let port = 0;
      const large = seededBytes(1024 * 1024, 4);
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      before(async () => {
        const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'iocp-pal-static-')));
        removeAtExit(folder);
        const root = path.join(folder, 'root');
        mkdirSync(path.join(root, 'sub'), { recursive: true });
        writeFileSync(path.join(folder, 'secret.txt'), 'secret');
        writeFileSync(path.join(root, 'large.bin'), large);
        writeFileSync(path.join(root, 'empty.txt'), '');
        writeFileSync(path.join(root, 'sub', 'index.html'), '<p>the index</p>');
        symlinkSync(folder, path.join(root, 'link'), 'junction');
        ({ command, port } = await serving('static-files.ts', root, '0'));
      });
      after(async () => {
        agent.destroy();
        await endOf(command);
      });

      interface Answer {
        readonly status: number | undefined;
        readonly headers: http.IncomingHttpHeaders;
        readonly body: Buffer;
        readonly localPort: number | undefined;
      }

      async function ask(target: string, method = 'GET', body = ''): Promise<Answer> {
        const request = http.request({ port, host: '127.0.0.1', path: target, method, agent });
        request.end(body);
        const [response] = (await once(request, 'response')) as [http.IncomingMessage];
        const { localPort } = response.socket;
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks), localPort };
      }

      it('sends files, one after the other on one connection', async () => {
        const first = await ask('/large.bin');
        expect([first.status, first.body.equals(large)]).to.deep.equal([200, true]);
        expect(first.headers).to.include({ 'content-type': 'application/octet-stream', connection: 'keep-alive' });
        const second = await ask('/empty.txt?with=a%20query');
        expect([second.status, second.body.length]).to.deep.equal([200, 0]);
        const third = await ask('/sub/');
        expect(String(third.body)).to.equal('<p>the index</p>');
        expect(third.headers['content-type']).to.equal('text/html; charset=utf-8');
        expect([second.localPort, third.localPort]).to.deep.equal([first.localPort, first.localPort]);
      });

      it('answers HEAD with the head alone', async () => {
        const { status, headers, body } = await ask('/large.bin', 'HEAD');
        expect([status, headers['content-length'], body.length]).to.deep.equal([200, String(large.length), 0]);
        expect((await ask('/sub/')).status, 'and the connection goes on').to.equal(200);
      });

      it('refuses what is not there, and what is no file', async () => {
        for (const target of ['/none.txt', '/sub/none/', '/sub'])
          expect((await ask(target)).status, target).to.equal(404);
      });

      for (const target of [
        '/../secret.txt',
        '/sub/../../secret.txt',
        '/%2e%2e/secret.txt',
        '/..%5csecret.txt',
        '/%2e%2e%5csecret.txt',
        '/link/secret.txt',
        '//server/share/secret.txt',
        '/C:/secret.txt',
        '/large.bin::$DATA',
        '/NUL',
        '/sub%00/index.html',
      ]) {
        it(`lets nobody out of its folder by ${target}`, async () => {
          const { status, body } = await ask(target);
          expect([status, String(body)]).to.deep.equal([403, 'Forbidden\n']);
        });
      }

      it('refuses other methods, and what is no request, and ends the connection where a body may follow', async () => {
        const { status, headers } = await ask('/large.bin', 'POST', 'GET /large.bin HTTP/1.1');
        expect([status, headers.connection]).to.deep.equal([405, 'close']);
        expect((await ask('/%zz')).status).to.equal(400);
        const socket = await client(port);
        socket.write('no request at all\r\n\r\n');
        const chunks: Buffer[] = [];
        for await (const chunk of socket) chunks.push(chunk as Buffer);
        expect(String(Buffer.concat(chunks))).to.match(/^HTTP\/1\.1 400 Bad Request\r\n[^]*Connection: close/);
      });
    });
  });
}

/** Also of a connection that is reset: once() would be rejected. */
function closeOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

async function say(socket: Socket, text: string): Promise<void> {
  await new Promise<void>((resolve) => socket.write(`${text}\n`, () => resolve()));
}

/** What has come, and a wait for more. */
interface Heard {
  /** The first of it, as text. */
  text: string;
  /** All of it. */
  lines: number;
  more(): Promise<unknown>;
}

function linesOf(socket: Socket): Heard {
  const heard: Heard = { text: '', lines: 0, more: () => new Promise((resolve) => setTimeout(resolve, 10)) };
  socket.on('data', (chunk: Buffer) => {
    if (heard.text.length < 10_000) heard.text += chunk.toString('latin1', 0, 1000);
    for (let at = -1; (at = chunk.indexOf(10, at + 1)) !== -1;) heard.lines++;
  });
  return heard;
}

/** Says more than all queues between two programs hold, and goes on saying something until it is told to end. */
function flood(socket: Socket, heardBy: Heard): { isFar: Promise<void>; end(): void } {
  const over = new AbortController();
  const isOver = (): boolean => over.signal.aborted || socket.destroyed;
  const said = Array.from({ length: LINES_AT_ONCE }, () => 'x'.repeat(4000)).join('\n');
  const talk = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds && !isOver(); round++) {
      const before = heardBy.lines;
      await say(socket, said);
      // As fast as the quick reader hears it: the slow one is then the only one that is slow.
      while (heardBy.lines < before + LINES_AT_ONCE && !isOver()) await heardBy.more();
    }
  };
  const isFar = talk(FLOODS);
  void isFar.then(() => talk(Infinity));
  return { isFar, end: () => over.abort() };
}

/** Reads on, once `isFar`, until this has come. */
async function until(socket: Socket, pattern: RegExp, isFar: Promise<void>): Promise<void> {
  await isFar;
  let tail = '';
  for await (const chunk of socket) {
    tail = tail.slice(-100) + (chunk as Buffer).toString('latin1');
    if (pattern.test(tail)) return;
  }
  throw new Error(`The connection has ended without ${String(pattern)}`);
}

function messageOf(text: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(text.length);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** The messages that come, one after the other. */
function messagesOf(socket: Socket): { next(): Promise<string> } {
  let held = Buffer.alloc(0);
  socket.on('data', (chunk) => (held = Buffer.concat([held, chunk])));
  return {
    async next() {
      while (held.length < 4 || held.length < 4 + held.readUInt32BE()) await once(socket, 'data');
      const length = held.readUInt32BE();
      const message = held.toString('utf8', 4, 4 + length);
      held = held.subarray(4 + length);
      return message;
    },
  };
}
