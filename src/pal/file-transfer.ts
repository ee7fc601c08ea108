/** Sending files: the part of the contract that docs/files.md describes. */
import type { OperationHandle, OperationOptions } from './pending-operation.ts';
import type { SocketHandle } from './handles.ts';
import type { BytesCallback } from './network-pal.ts';

/**
 * What to send: a path or file: URL, which is opened for reading and closed again; or a descriptor or FileHandle of
 * node:fs, which stays the caller's and must stay open until the callback.
 */
export type FileSource = string | URL | number | { readonly fd: number };

/** Options of asyncSendFile. */
export interface SendFileOptions extends OperationOptions {
  /** First byte of the file to send. Default 0. */
  offset?: number | undefined;
  /** Bytes of the file to send. Default: from the offset to the end of the file as it is when it is opened. */
  length?: number | undefined;
  /** Bytes to send before the file, at most 65536; copied at the call. */
  head?: Uint8Array | undefined;
  /** Bytes to send after the file, at most 65536; copied at the call. */
  tail?: Uint8Array | undefined;
  /**
   * Told after each piece, before the callback: how many bytes of the file the system has taken so far, of how many. The
   * total is NaN for what has no size (a pipe) and is sent to its end.
   */
  onProgress?: ((bytesSent: number, bytesTotal: number) => void) | undefined;
  /**
   * Let the system send from its file cache (TransmitFile), where it can. Default true. False: read and send, as is done
   * anyway where TransmitFile is unavailable. Client editions of Windows serve two TransmitFile at a time, machine-wide.
   */
  transmitFile?: boolean | undefined;
}

/** The calls that send files; NetworkPal has them. */
export interface FileCalls {
  /**
   * Sends a file, in order with the writes of the socket. The file is opened when its turn comes; what is wrong with it
   * then (ENOENT, EACCES, ERR_OUT_OF_RANGE for bytes that it does not have) arrives in the callback, nothing has been
   * sent, and the writes behind it go on. A file that gets shorter or cannot be read any more after a part of it has gone
   * out resets the connection: nothing may follow a hole.
   * @param callback gets the bytes sent: head, file and tail
   * The callback gets ResourceExhausted as asyncWrite's does.
   * @throws TypeError or RangeError for the options.
   */
  asyncSendFile(
    socket: SocketHandle,
    file: FileSource,
    options: SendFileOptions,
    callback: BytesCallback,
  ): OperationHandle;
}
