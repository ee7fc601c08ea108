/** The calls of the contract that send files. */
import { fileURLToPath } from 'node:url';
import type { FileSource, SendFileOptions } from '../pal/file-transfer.ts';
import type { SocketHandle } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { argumentError, NetworkError } from '../pal/network-error.ts';
import type { BytesCallback } from '../pal/network-pal.ts';
import type { OperationHandle } from '../pal/pending-operation.ts';
import { NO_BYTES } from '../util/bytes.ts';
import { connectionClosed } from '../util/errors.ts';
import { FileJob } from '../tcp/send-file/file-sender.ts';
import type { OpenableFile } from '../platform/platform.ts';
import { requireInteger, requireFunction, wrongType } from '../util/validate.ts';
import { readOptions, SEND_FILE_OPTIONS } from '../util/read-options.ts';
import { associate } from '../sockets/association.ts';
import { write } from '../tcp/writer.ts';
import { checkOperationOptions, requireBytes, requireCallback, requireUnwatched } from './arguments.ts';
import { abortedAlready, CallGroup, whyNotTied } from './call-context.ts';

/** Largest head or tail, bytes: they are copied at the call, and a file server's are a header. */
const MAX_EDGE_BYTES = 65536;
/** Largest file descriptor that Node takes. */
const MAX_DESCRIPTOR = 2 ** 31 - 1;

export class SendFileCalls extends CallGroup {
  asyncSendFile(
    socket: SocketHandle,
    file: FileSource,
    given: SendFileOptions,
    callback: BytesCallback,
  ): OperationHandle {
    const context = this.calls.lifecycle.begun('asyncSendFile');
    requireCallback(callback);
    const options = readSendOptions(given);
    const source = requireFile(file);
    const isAborted = abortedAlready('sendFile', options);
    const connection = this.calls.established(socket);
    if (context === null || connection === null)
      return this.calls.refuseBytes('sendFile', callback, connectionClosed('sendFile'));
    requireUnwatched('asyncSendFile', connection);
    const refused = isAborted ?? whyNotTied(context, connection, associate);
    if (refused !== null) return this.calls.refuseBytes('sendFile', callback, refused);
    const { files } = context.platform;
    if (files === undefined) {
      throw new NetworkError('Cannot send files: the platform that this PAL was given has none', {
        kind: NetworkErrorCode.WriteFailed,
        code: 'ENOTSUP',
      });
    }
    const job = new FileJob(context, connection, files, source, options);
    return write(context, connection, NO_BYTES, job.head.length + job.tail.length, job, options, callback);
  }
}

/**
 * A URL becomes a path here: it may change before its turn, and not every file: URL is one of a file. An object's own `fd` becomes
 * a descriptor. A FileHandle of node:fs inherits the getter that says whether it is open, and is asked once more then.
 */
function requireFile(file: unknown): OpenableFile {
  if (typeof file === 'number') {
    requireInteger('file', file, 0, MAX_DESCRIPTOR);
    return file;
  }
  if (typeof file === 'string') return requirePath(file);
  if (isUrl(file)) {
    if (file.protocol === 'file:') return requirePath(fileURLToPath(file.href));
    throw argumentError(
      TypeError,
      'ERR_INVALID_URL_SCHEME',
      `Cannot use file ${file.href}: its scheme must be file:, and is ${file.protocol}`,
    );
  }
  if (typeof file === 'object' && file !== null && 'fd' in file) {
    const { fd } = file; // once: what is checked must be what is used
    requireInteger('file.fd', fd, 0, MAX_DESCRIPTOR);
    return Object.hasOwn(file, 'fd') ? fd : { fd, handle: file };
  }
  throw wrongType('file', 'a path, a file: URL, a file descriptor or a FileHandle', file);
}

/** Also one of another realm (node:vm, jest, jsdom), as node:fs takes it. */
function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false;
  return 'href' in value && typeof value.href === 'string' && 'protocol' in value && typeof value.protocol === 'string';
}

function requirePath(path: string): string {
  if (path !== '' && !path.includes('\0')) return path;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    'Cannot use file: a path has at least 1 character, and no NUL',
  );
}

function readSendOptions(given: SendFileOptions): SendFileOptions {
  const options = readOptions<SendFileOptions>(given, SEND_FILE_OPTIONS);
  checkOperationOptions(options);
  const { offset, length, head, tail, onProgress } = options;
  if (offset !== undefined) requireInteger('offset', offset, 0, Number.MAX_SAFE_INTEGER);
  if (length !== undefined) requireInteger('length', length, 0, Number.MAX_SAFE_INTEGER);
  if (head !== undefined) options.head = requireEdge('head', head);
  if (tail !== undefined) options.tail = requireEdge('tail', tail);
  if (onProgress !== undefined) requireFunction('onProgress', onProgress);
  return options;
}

function requireEdge(name: string, given: Uint8Array): Uint8Array {
  const bytes = requireBytes(name, given);
  if (bytes.byteLength <= MAX_EDGE_BYTES) return bytes;
  throw argumentError(
    RangeError,
    'ERR_OUT_OF_RANGE',
    `Cannot use ${name}: it has ${bytes.byteLength} bytes, where at most ${MAX_EDGE_BYTES} are copied. asyncWrite it`,
  );
}
