/** Sending a file through node:fs, where no system call does it. */
import { open, type FileHandle } from 'node:fs/promises';
import { read as readFile, fstat } from 'node:fs';
import { promisify } from 'node:util';
import type { FileSource, SendFileOptions } from '../../pal/file-transfer.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import { aborted, Deadline } from './deadline.ts';
import { nodeClock } from './node-clock.ts';

/** How the sending of a file ended. */
export interface FileOutcome {
  readonly error: Error | null;
  /** Bytes that are out. */
  readonly sent: number;
}

const PIECE_BYTES = 65_536;
const readAt = promisify(readFile);
const factsOf = promisify(fstat);

export async function sendFile(
  file: FileSource,
  options: SendFileOptions,
  write: (bytes: Uint8Array) => Promise<unknown>,
): Promise<FileOutcome> {
  const { offset = 0, head, tail, onProgress, signal } = options;
  let sent = 0;
  let opened: FileHandle | null = null;
  try {
    const deadline = new Deadline(nodeClock, options);
    if (typeof file === 'string' || file instanceof URL) opened = await open(file);
    const fd = opened?.fd ?? (typeof file === 'number' ? file : (file as { fd: number }).fd);
    const { size } = await factsOf(fd);
    const length = options.length ?? size - offset;
    if (length < 0 || offset + length > size) throw outOfRange(offset, length, size);
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(PIECE_BYTES, length)));
    const send = async (bytes: Uint8Array): Promise<void> => {
      if (signal?.aborted === true) throw aborted(signal);
      deadline.next();
      await write(bytes);
      sent += bytes.length;
    };
    if (head !== undefined) await send(head);
    for (let done = 0; done < length;) {
      const { bytesRead } = await readAt(fd, buffer, 0, Math.min(buffer.length, length - done), offset + done);
      if (bytesRead === 0) throw shrunk(offset + length, offset + done);
      await send(buffer.subarray(0, bytesRead));
      done += bytesRead;
      onProgress?.(done, length);
    }
    if (tail !== undefined) await send(tail);
    return { error: null, sent };
  } catch (error) {
    return { error: error as Error, sent };
  } finally {
    await opened?.close();
  }
}

function outOfRange(offset: number, length: number, size: number): NetworkError {
  return new NetworkError(`Cannot send ${length} bytes from ${offset} on of the file: it has ${size} bytes`, {
    kind: NetworkErrorCode.WriteFailed,
    code: 'ERR_OUT_OF_RANGE',
  });
}

function shrunk(needed: number, size: number): NetworkError {
  return new NetworkError(
    `sendFile failed: the file was cut while it was being sent (bytes up to ${needed} wanted, ${size} there)`,
    { kind: NetworkErrorCode.WriteFailed, code: 'ERR_FILE_TRUNCATED' },
  );
}
