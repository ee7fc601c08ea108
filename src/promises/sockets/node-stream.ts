/** A connection of node:net, as the promises want it. */
import type { Socket } from 'node:net';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import type { FileSource, SendFileOptions } from '../../pal/file-transfer.ts';
import type { Endpoint } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { BytesCallback, CloseOptions, ViewCallback, WriteData } from '../../pal/network-pal.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import { clearTimeout, setTimeout } from '../../platform/node-timers.ts';
import { closedHere, streamBroken } from './errors.ts';
import type { DoneCallback, StreamSocket } from './network-sockets.ts';
import { networkError, NodeCall } from './node-call.ts';
import { sendFile } from './node-files.ts';

const DEFAULT_GRACE_MS = 5000;
const NOTHING = Buffer.alloc(0);

/** The read that waits. `take` gets what is there: nothing at the end of the stream. Returns how many bytes it took. */
interface PendingRead {
  readonly take: (bytes: Buffer) => number;
  readonly fail: (error: NetworkError) => void;
}

export class NodeStream implements StreamSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #socket: Socket;
  /** What has come and was not taken. */
  #rest: Buffer = NOTHING;
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
    socket.on('readable', () => this.#deliver());
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#deliver();
    });
    socket.on('error', (error) => {
      this.#error = networkError(error, NetworkErrorCode.ReadFailed);
      this.#deliver();
    });
    socket.on('close', () => this.#deliver());
  }

  read(buffer: Uint8Array, options: OperationOptions, callback: BytesCallback): void {
    const take = (bytes: Buffer): number => {
      const count = Math.min(bytes.length, buffer.length);
      buffer.set(bytes.subarray(0, count));
      callback(null, count);
      return count;
    };
    this.#begin(options, { take, fail: (error) => callback(error, 0) });
  }

  readView(options: OperationOptions, callback: ViewCallback): void {
    const take = (bytes: Buffer): number => {
      callback(null, bytes);
      return bytes.length;
    };
    this.#begin(options, { take, fail: (error) => callback(error, NOTHING) });
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

  #begin(options: OperationOptions, { take, fail }: PendingRead): void {
    const call = new NodeCall(options, (error) => {
      this.#pending = null;
      fail(error);
    });
    this.#pending = {
      take: (bytes) => {
        call.over();
        return take(bytes);
      },
      fail: (error) => {
        call.over();
        fail(error);
      },
    };
    this.#deliver();
  }

  /** Gives the pending read what there is. */
  #deliver(): void {
    const pending = this.#pending;
    if (pending === null) return;
    if (this.#isClosed) return this.#end(() => pending.fail(closedHere('connection')));
    if (this.#rest.length === 0) this.#rest = (this.#socket.read() as Buffer | null) ?? NOTHING;
    if (this.#rest.length > 0 || this.#hasEnded) {
      return this.#end(() => {
        const bytes = this.#rest;
        this.#rest = NOTHING;
        const taken = pending.take(bytes);
        if (taken < bytes.length) this.#rest = bytes.subarray(taken);
      });
    }
    const error = this.#error;
    if (error !== null) this.#end(() => pending.fail(error));
    else if (this.#socket.destroyed) this.#end(() => pending.fail(closedHere('connection')));
  }

  #end(answer: () => void): void {
    this.#pending = null;
    answer();
  }
}
