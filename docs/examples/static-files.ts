/**
 * An HTTP/1.1 server of files: static-files.ts <folder> [port]
 *
 * The system sends the files (TransmitFile): their bytes do not pass through JavaScript. GET and HEAD, keep-alive, and nothing outside of
 * the folder. docs/files.md says what there is to check in a path on Windows.
 */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { STATUS_CODES } from 'node:http';
import path from 'node:path';
import { listen, type Connection } from '../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { stopSignal } from './stop-signal.ts';

const MAX_HEAD_BYTES = 16 * 1024;
/** For the next request, and for a peer that reads the answer. */
const IDLE_TIMEOUT_MS = 15_000;
const ANSWER_TIMEOUT_MS = 600_000;
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};
const PLAIN_NAME = /^(?!\.)[\w.-]*[\w-]$/; // no '..', no ':', no '\', no dot at the end, no '~'
const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

const [folder = '.', port = '8080'] = process.argv.slice(2);
const root = await realpath(folder);

interface Request {
  readonly method: string;
  readonly target: string;
  readonly keepAlive: boolean;
  /** A body would be taken for the next request. */
  readonly hasBody: boolean;
}

/** Null for what is no request. */
function parse(head: string): Request | null {
  const [first = '', ...fields] = head.split('\r\n');
  const [, method = '', target = '', minor] = /^([A-Z]+) (\/\S*) HTTP\/1\.([01])$/.exec(first) ?? [];
  if (method === '') return null;
  const named = (name: RegExp): string | undefined =>
    fields
      .find((field) => name.test(field))
      ?.replace(name, '')
      .trim();
  const connection = (named(/^connection:/i) ?? '').toLowerCase();
  const keepAlive = minor === '1' ? connection !== 'close' : connection === 'keep-alive';
  const hasBody = (named(/^content-length:/i) ?? '0') !== '0' || named(/^transfer-encoding:/i) !== undefined;
  return { method, target, keepAlive, hasBody };
}

/** The file that a request names, or the status that says why there is none. */
async function fileFor(target: string): Promise<string | 400 | 403 | 404> {
  let names: string[];
  try {
    names = decodeURIComponent(target.replace(/[?#].*$/, ''))
      .slice(1)
      .split('/');
  } catch {
    return 400; // no valid percent-encoding
  }
  if (names.at(-1) === '') names[names.length - 1] = 'index.html';
  if (!names.every((name) => PLAIN_NAME.test(name) && !DEVICE_NAME.test(name))) return 403;
  try {
    const file = await realpath(path.join(root, ...names)); // follows links
    return file.startsWith(root.endsWith(path.sep) ? root : root + path.sep) ? file : 403;
  } catch {
    return 404;
  }
}

function headOf(status: number, length: number, type: string, keepAlive: boolean): Buffer {
  const connection = keepAlive ? 'keep-alive' : 'close';
  const fields = `Content-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: ${connection}`;
  return Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields}\r\n\r\n`, 'latin1');
}

async function refuse(connection: Connection, status: number, { method, keepAlive }: Partial<Request>): Promise<void> {
  const text = Buffer.from(`${STATUS_CODES[status]}\n`);
  const head = headOf(status, text.length, 'text/plain', keepAlive ?? false);
  await connection.write(method === 'HEAD' ? head : [head, text]);
}

/** Answers one request. Returns whether another one may come. */
async function answer(connection: Connection, head: string): Promise<boolean> {
  const request = parse(head);
  if (request === null) {
    await refuse(connection, 400, {});
    return false;
  }
  const keepAlive = request.keepAlive && !request.hasBody;
  const isKnown = request.method === 'GET' || request.method === 'HEAD';
  const file = isKnown ? await fileFor(request.target) : 405;
  if (typeof file === 'number') await refuse(connection, file, { ...request, keepAlive });
  else await send(connection, file, { ...request, keepAlive });
  return keepAlive;
}

async function send(connection: Connection, file: string, request: Request): Promise<void> {
  const { method, keepAlive } = request;
  // What is no file (a pipe, on other systems) must not hold the opening. Windows has no such flag.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) {
      await refuse(connection, 404, request);
      return;
    }
    const type = TYPES[path.extname(file).toLowerCase()] ?? 'application/octet-stream';
    const head = headOf(200, facts.size, type, keepAlive);
    if (method === 'HEAD') await connection.write(head);
    else await connection.sendFile(handle, { head, length: facts.size, timeout: ANSWER_TIMEOUT_MS });
  } finally {
    await handle.close();
  }
}

/** The next request, as it came; null when there is none. */
async function nextHead(connection: Connection): Promise<string | null> {
  try {
    const head = await connection.readUntil('\r\n\r\n', { limit: MAX_HEAD_BYTES, timeout: IDLE_TIMEOUT_MS });
    return head === null ? null : head.toString('latin1', 0, head.length - 4);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ETIMEDOUT') return null;
    throw error;
  }
}

async function serve(connection: Connection): Promise<void> {
  for (;;) {
    const head = await nextHead(connection);
    if (head === null || !(await answer(connection, head))) return;
  }
}

const server = await listen({ port: Number(port), noDelay: true });
console.log(`files of ${root} on http://${server.endpoint.address}:${server.port}/`);
await server.serve(serve, { signal: stopSignal(), maxConnections: 10_000 });
