/** A file in pieces, read through node:fs where no system call sends it. */
import { fstat, read } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { FileSource, SendFileOptions } from '../../pal/file-transfer.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import { nodeScheduler } from '../../platform/node-scheduler.ts';
import { aborted, Deadline } from './deadline.ts';

const PIECE_BYTES = 65_536;
const readAt = promisify(read);
const factsOf = promisify(fstat);

/** What is to be sent: head, file and tail. Each piece must be sent before the next is asked for, which uses its memory again. */
export async function* piecesOf(file: FileSource, options: SendFileOptions): AsyncGenerator<Uint8Array, void> {
  const { offset = 0, head, tail, onProgress, signal } = options;
  const deadline = new Deadline(nodeScheduler, options);
  const check = (): void => {
    if (signal?.aborted === true) throw aborted(signal);
    deadline.next();
  };
  const opened = typeof file === 'string' || file instanceof URL ? await open(file) : null;
  try {
    const { fd } = opened ?? (typeof file === 'number' ? { fd: file } : (file as { fd: number }));
    const { size } = await factsOf(fd);
    const { length = size - offset } = options;
    if (length < 0 || offset + length > size) {
      throw failed(
        `Cannot send ${length} bytes from ${offset} on of the file: it has ${size} bytes`,
        'ERR_OUT_OF_RANGE',
      );
    }
    check();
    if (head !== undefined) yield head;
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(PIECE_BYTES, length)));
    for (let done = 0; done < length; onProgress?.(done, length)) {
      check();
      const { bytesRead } = await readAt(fd, buffer, 0, Math.min(buffer.length, length - done), offset + done);
      const place = `bytes up to ${offset + length} wanted, ${offset + done} there`;
      if (bytesRead === 0)
        throw failed(`sendFile failed: the file was cut while it was being sent (${place})`, 'ERR_FILE_TRUNCATED');
      yield buffer.subarray(0, bytesRead);
      done += bytesRead;
    }
    check();
    if (tail !== undefined) yield tail;
  } finally {
    await opened?.close();
  }
}

function failed(message: string, code: string): NetworkError {
  return new NetworkError(message, { kind: NetworkErrorCode.WriteFailed, code });
}
