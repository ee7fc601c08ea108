/** A connection of node:net, as the promises want it. */
import type { Socket } from 'node:net';
import type { FileSource, SendFileOptions } from '../../pal/file-transfer.ts';
import type { Endpoint } from '../../pal/handles.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import type { BytesCallback, CloseOptions, ViewCallback, WriteData } from '../../pal/network-pal.ts';
import type { OperationOptions } from '../../pal/pending-operation.ts';
import type { ProxyHeader } from '../../pal/proxy-protocol.ts';
import { nextTick } from '../../platform/node-timers.ts';
import { nodeScheduler } from '../../platform/node-scheduler.ts';
import { bounded } from './deadline.ts';
import { closedHere, endWasRead, streamBroken } from './errors.ts';
import { endpointOf, type DoneCallback, type StreamSocket } from './network-sockets.ts';
import { networkError } from './node-error.ts';
import { piecesOf } from './node-files.ts';
import { NodeHandle } from './node-handle.ts';

const DEFAULT_GRACE_MS = 5000;
const NOTHING = Buffer.alloc(0);

export class NodeStream extends NodeHandle<Socket> implements StreamSocket {
  readonly local: Endpoint;
  remote: Endpoint;
  proxyHeader: ProxyHeader | null = null;
  #hasEnded = false;
  #isClosed = false;
  /** A write was taken back of which a part may be out. */
  #isBroken = false;
  #error: NetworkError | null = null;
  /** The read that waits for bytes, so many at most. */
  #reading: { readonly wanted: number; readonly answer: ViewCallback } | null = null;
  /** What was asked for while a file is sent, and comes behind it. */
  #behindFile: (() => void)[] | null = null;

  constructor(socket: Socket) {
    super(socket);
    this.local = endpointOf(socket.localAddress, socket.localPort);
    this.remote = endpointOf(socket.remoteAddress, socket.remotePort);
    socket.on('end', this.#onEnd).on('error', this.#onError).on('close', this.#deliver);
  }

  /** What it has begun with said who the peer is: also to whoever gets the socket. */
  comesThrough(header: ProxyHeader): void {
    const { transport, source } = header;
    const facts: Record<string, unknown> = { proxyHeader: header };
    this.proxyHeader = header;
    if (transport === 'tcp' && source !== null) {
      const { address, port, family } = source;
      this.remote = source;
      Object.assign(facts, { remoteAddress: address, remotePort: port, remoteFamily: `IPv${family}` });
    }
    for (const [name, value] of Object.entries(facts)) Object.defineProperty(this.socket, name, { value });
  }

  read(buffer: Uint8Array, options: OperationOptions, callback: BytesCallback): void {
    this.#read(options, buffer.length, (error, bytes) => {
      buffer.set(bytes);
      callback(error, bytes.length);
    });
  }

  readView(options: OperationOptions, callback: ViewCallback): void {
    this.#read(options, Infinity, callback);
  }

  tryWrite(): number {
    return 0;
  }

  write(data: WriteData, options: OperationOptions, callback: BytesCallback): void {
    this.#inOrder(() => {
      const refused = this.#isClosed ? closedHere('connection') : this.#isBroken ? streamBroken() : this.#error;
      if (refused !== null) return callback(refused, 0);
      const pieces = data instanceof Uint8Array ? [data] : data;
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
      const over = bounded(nodeScheduler, options, (error) => {
        if (bytes > 0) this.#isBroken = true; // nobody can say how much of it is out
        answer(error);
      });
      let answer = (error: NetworkError | null): void => {
        answer = () => undefined;
        over();
        callback(error, error === null ? bytes : 0);
      };
      // Where nothing waits, a write of nothing is done: Node.js would ask the system to send no bytes.
      if (bytes === 0 && this.socket.writableLength === 0) return nextTick(() => answer(this.#meaningOf(null)));
      this.socket.cork(); // several go out together, and are not copied for it
      for (const piece of pieces.slice(0, -1)) this.socket.write(piece);
      this.socket.write(pieces.at(-1) ?? NOTHING, (error) => answer(this.#meaningOf(error)));
      this.socket.uncork();
    });
  }

  sendFile(file: FileSource, options: SendFileOptions, callback: BytesCallback): void {
    this.#inOrder(() => {
      const behind: (() => void)[] = (this.#behindFile = []);
      let sent = 0;
      const send = async (): Promise<NetworkError | null> => {
        try {
          for await (const piece of piecesOf(file, options)) {
            await new Promise<void>((resolve, reject) => {
              this.socket.write(piece, (error) => (error ? reject(error) : resolve()));
            });
            sent += piece.length;
          }
          return null;
        } catch (error) {
          if (sent > 0) this.socket.resetAndDestroy(); // nothing may follow a hole
          return this.#meaningOf(error as Error);
        }
      };
      void send().then((error) => {
        this.#behindFile = null;
        callback(error, sent);
        for (const next of behind) next();
      });
    });
  }

  end(options: OperationOptions, callback: DoneCallback): void {
    this.write(NOTHING, options, callback);
    this.#inOrder(() => void this.socket.end());
  }

  close({ graceMs = DEFAULT_GRACE_MS }: CloseOptions, callback: () => void): void {
    if (this.#isBroken) return this.reset(callback);
    if (!this.#begins(callback)) return;
    if (graceMs === 0) return void this.socket.destroy(); // what is queued is dropped, and nothing resets
    const timer = nodeScheduler.setTimer(graceMs, () => void this.socket.resetAndDestroy(), true);
    this.socket.once('close', () => nodeScheduler.clearTimer(timer));
    this.#inOrder(() => this.socket.destroySoon());
  }

  reset(callback: () => void): void {
    if (!this.#begins(callback)) return;
    const { socket } = this;
    // While a shutdown is under way libuv refuses to reset (EINVAL), and Node.js would never close the socket.
    const isEnding = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished;
    if (isEnding) socket.prependOnceListener('finish', () => socket.resetAndDestroy());
    else socket.resetAndDestroy();
  }

  async toSocket(head: Uint8Array): Promise<Socket> {
    await new Promise<void>((resolve) => this.#inOrder(resolve));
    if (this.#isClosed) throw closedHere('connection'); // meanwhile
    const refused = this.#isBroken ? streamBroken() : this.#hasEnded ? endWasRead() : this.#error;
    if (refused !== null) throw refused;
    const { socket } = this;
    socket.off('end', this.#onEnd).off('error', this.#onError).off('close', this.#deliver);
    socket.off('readable', this.#deliver);
    if (head.length > 0) socket.unshift(head);
    // As node:net makes them: it flows for the first who listens, and ends when the peer does.
    Reflect.set(socket, 'readableFlowing', null);
    socket.allowHalfOpen = false;
    socket.read(0);
    return socket;
  }

  setNoDelay(on: boolean): void {
    this.socket.setNoDelay(on);
  }

  setKeepAlive(on: boolean, idleSeconds = 0): void {
    this.socket.setKeepAlive(on, idleSeconds * 1000);
  }

  #read(options: OperationOptions, wanted: number, callback: ViewCallback): void {
    const answer: ViewCallback = (error, bytes) => {
      this.#reading = null;
      over();
      callback(error, bytes);
    };
    const over = bounded(nodeScheduler, options, (error) => answer(error, NOTHING));
    this.#reading = { wanted, answer };
    // Not before: what nobody asks for stays in the system's buffer, where it holds the peer back.
    if (this.socket.listenerCount('readable') === 0) this.socket.on('readable', this.#deliver);
    this.#deliver();
  }

  /** Answers the read that waits, if there is anything to say. */
  readonly #deliver = (): void => {
    const reading = this.#reading;
    if (reading === null) return;
    if (this.#isClosed) return reading.answer(closedHere('connection'), NOTHING);
    // Exactly what is there: who asks for more has the end told, although the bytes in front of it may go back (toSocket).
    const { readableLength } = this.socket;
    const size = readableLength === 0 ? undefined : Math.min(readableLength, reading.wanted);
    const bytes = this.socket.read(size) as Buffer | null;
    if (bytes !== null || this.#hasEnded) return reading.answer(null, bytes ?? NOTHING);
    const error = this.#error ?? (this.socket.destroyed ? closedHere('connection') : null);
    if (error !== null) reading.answer(error, NOTHING);
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#deliver();
  };

  readonly #onError = (error: Error): void => {
    this.#error = networkError(error, 'read');
    this.#deliver();
  };

  /** Now, or behind the file that is being sent. */
  #inOrder(act: () => void): void {
    if (this.#behindFile === null) act();
    else this.#behindFile.push(act);
  }

  /** Begins the end: later calls are refused. Returns false when the socket is gone already. */
  #begins(closed: () => void): boolean {
    this.#isClosed = true;
    this.#deliver();
    if (this.socket.destroyed) closed();
    else this.socket.once('close', closed);
    return !this.socket.destroyed;
  }

  #meaningOf(error: Error | null | undefined): NetworkError | null {
    // (Of a write that was under way when its socket was destroyed Node.js says that it has succeeded.)
    if (!error) return this.socket.destroyed ? (this.#error ?? closedHere('connection')) : null;
    return this.#isClosed ? closedHere('connection') : networkError(error, 'write');
  }
}
