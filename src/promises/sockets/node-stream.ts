/** A connection of node:net, as the promises want it. */
import type { Socket } from 'node:net';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import type { FileSource, SendFileOptions } from '../../pal/file-transfer.ts';
import type { Endpoint } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { BytesCallback, CloseOptions, ViewCallback, WriteData } from '../../pal/network-pal.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import { clearTimeout, setTimeout } from '../../platform/node-timers.ts';
import { closedHere, endWasRead, streamBroken } from './errors.ts';
import type { DoneCallback, StreamSocket } from './network-sockets.ts';
import { networkError, NodeCall } from './node-call.ts';
import { sendFile } from './node-files.ts';

const DEFAULT_GRACE_MS = 5000;
const NOTHING = Buffer.alloc(0);

/** The read that waits. `take` gets what is there, up to so many bytes: nothing at the end of the stream. */
interface PendingRead {
  readonly wanted: number;
  readonly take: (bytes: Buffer) => void;
  readonly fail: (error: NetworkError) => void;
}

export class NodeStream implements StreamSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #socket: Socket;
  #hasEnded = false;
  #isClosed = false;
  /** A write was taken back of which a part may be out. */
  #isBroken = false;
  #error: NetworkError | null = null;
  #pending: PendingRead | null = null;
  /** What was asked for while a file is sent, and comes behind it. */
  #behindFile: (() => void)[] | null = null;

  constructor(socket: Socket) {
    const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
    this.#socket = socket;
    this.local = { address: localAddress, port: localPort, family: localAddress.includes(':') ? 6 : 4 };
    this.remote = { address: remoteAddress, port: remotePort, family: remoteAddress.includes(':') ? 6 : 4 };
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
  }

  readonly #listeners = {
    end: () => {
      this.#hasEnded = true;
      this.#deliver();
    },
    error: (error: Error) => {
      this.#error = networkError(error, NetworkErrorCode.ReadFailed);
      this.#deliver();
    },
    close: () => this.#deliver(),
  };
  readonly #onReadable = (): void => this.#deliver();

  read(buffer: Uint8Array, options: OperationOptions, callback: BytesCallback): void {
    const take = (bytes: Buffer): void => {
      buffer.set(bytes);
      callback(null, bytes.length);
    };
    this.#begin(options, { wanted: buffer.length, take, fail: (error) => callback(error, 0) });
  }

  readView(options: OperationOptions, callback: ViewCallback): void {
    const take = (bytes: Buffer): void => callback(null, bytes);
    this.#begin(options, { wanted: Infinity, take, fail: (error) => callback(error, NOTHING) });
  }

  tryWrite(): number {
    return 0;
  }

  write(data: WriteData, options: OperationOptions, callback: BytesCallback): void {
    if (this.#behindFile !== null) return void this.#behindFile.push(() => this.write(data, options, callback));
    const refused = this.#isClosed ? closedHere('connection') : this.#isBroken ? streamBroken() : this.#error;
    if (refused !== null) return callback(refused, 0);
    let isOver = false;
    const over = (error: NetworkError | null, bytes: number): void => {
      if (isOver) return;
      isOver = true;
      call.over();
      callback(error, bytes);
    };
    const call = new NodeCall(options, (error) => {
      this.#isBroken = true; // nobody can say how much of it is out
      over(error, 0);
    });
    const pieces = data instanceof Uint8Array ? [data] : data.length === 0 ? [NOTHING] : data;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#socket.cork();
    for (const piece of pieces.slice(0, -1)) this.#socket.write(piece);
    this.#socket.write(pieces[pieces.length - 1] ?? NOTHING, (error) => {
      if (error) over(this.#isClosed ? closedHere('connection') : networkError(error, NetworkErrorCode.WriteFailed), 0);
      else over(null, length);
    });
    this.#socket.uncork();
  }

  sendFile(file: FileSource, options: SendFileOptions, callback: BytesCallback): void {
    if (this.#behindFile !== null) return void this.#behindFile.push(() => this.sendFile(file, options, callback));
    const behind: (() => void)[] = (this.#behindFile = []);
    const write = (bytes: Uint8Array): Promise<unknown> =>
      new Promise<void>((resolve, reject) => {
        this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
    void sendFile(file, options, write).then(({ error, sent }) => {
      if (error !== null && sent > 0) this.#socket.resetAndDestroy(); // nothing may follow a hole
      this.#behindFile = null;
      if (error === null) callback(null, sent);
      else
        callback(this.#isClosed ? closedHere('connection') : networkError(error, NetworkErrorCode.WriteFailed), sent);
      for (const next of behind) next();
    });
  }

  end(options: OperationOptions, callback: DoneCallback): void {
    // Behind what was written: the FIN goes out when that has.
    this.write(NOTHING, options, callback);
    if (this.#behindFile === null) this.#socket.end();
    else this.#behindFile.push(() => this.#socket.end());
  }

  close({ graceMs = DEFAULT_GRACE_MS }: CloseOptions, callback: () => void): void {
    if (this.#isBroken) return this.reset(callback);
    this.#isClosed = true;
    this.#deliver();
    if (this.#socket.destroyed) return callback();
    if (graceMs === 0) {
      this.#socket.once('close', callback).destroy(); // what is queued is dropped, and nothing resets
      return;
    }
    const timer = setTimeout(() => this.#socket.resetAndDestroy(), graceMs);
    this.#socket.once('close', () => {
      clearTimeout(timer);
      callback();
    });
    if (this.#behindFile === null) this.#socket.destroySoon();
    else this.#behindFile.push(() => this.#socket.destroySoon());
  }

  reset(callback: () => void): void {
    this.#isClosed = true;
    this.#deliver();
    if (this.#socket.destroyed) return callback();
    this.#socket.once('close', callback);
    this.#socket.resetAndDestroy();
  }

  async toSocket(head: Uint8Array): Promise<Socket> {
    const behind = this.#behindFile;
    if (behind !== null) await new Promise<void>((resolve) => behind.push(resolve));
    if (this.#isBroken) throw streamBroken();
    if (this.#hasEnded) throw endWasRead();
    if (this.#error !== null) throw this.#error;
    const socket = this.#socket;
    for (const [event, listener] of Object.entries(this.#listeners)) socket.off(event, listener);
    socket.off('readable', this.#onReadable);
    if (head.length > 0) socket.unshift(head);
    // As node:net makes them: it flows for the first who listens, and ends when the peer does.
    Reflect.set(socket, 'readableFlowing', null);
    socket.allowHalfOpen = false;
    socket.read(0);
    return socket;
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(on: boolean, idleSeconds = 0): void {
    this.#socket.setKeepAlive(on, idleSeconds * 1000);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  #begin(options: OperationOptions, { wanted, take, fail }: PendingRead): void {
    const call = new NodeCall(options, (error) => {
      this.#pending = null;
      fail(error);
    });
    this.#pending = {
      wanted,
      take: (bytes) => {
        call.over();
        take(bytes);
      },
      fail: (error) => {
        call.over();
        fail(error);
      },
    };
    // Not before: what nobody asks for stays in the system's buffer, where it holds the peer back.
    if (this.#socket.listenerCount('readable') === 0) this.#socket.on('readable', this.#onReadable);
    this.#deliver();
  }

  /** Gives the pending read what there is. */
  #deliver(): void {
    const pending = this.#pending;
    if (pending === null) return;
    if (this.#isClosed) return this.#end(() => pending.fail(closedHere('connection')));
    // Exactly what is there: who asks for more has the end told, although the bytes in front of it may go back (toSocket).
    const { readableLength } = this.#socket;
    const bytes = this.#socket.read(
      readableLength === 0 ? undefined : Math.min(readableLength, pending.wanted),
    ) as Buffer | null;
    if (bytes !== null || this.#hasEnded) return this.#end(() => pending.take(bytes ?? NOTHING));
    const error = this.#error;
    if (error !== null) this.#end(() => pending.fail(error));
    else if (this.#socket.destroyed) this.#end(() => pending.fail(closedHere('connection')));
  }

  #end(answer: () => void): void {
    this.#pending = null;
    answer();
  }
}
