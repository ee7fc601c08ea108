/** The sending side of a connection: what a write waits for, and what becomes of the failure of one that nobody waits for. */
import type { FileSource, SendFileOptions } from '../pal/file-transfer.ts';
import type { NetworkError } from '../pal/network-error.ts';
import type { BytesCallback, WriteData } from '../pal/network-pal.ts';
import type { OperationOptions } from '../pal/pending-operation.ts';
import type { Scheduler } from '../platform/platform.ts';
import { behind } from '../net/write-all.ts';
import { wrongType } from '../util/validate.ts';
import { isAllocated } from './allocated.ts';
import { inCallersStack } from './caller-stack.ts';
import { turnsOf, type LoopTurns } from './loop-turns.ts';
import { aborted } from './sockets/deadline.ts';
import { closedHere, writeAfterEnd } from './sockets/errors.ts';
import type { StreamSocket } from './sockets/network-sockets.ts';

/** Bytes that may wait on a connection when write() is done. */
export const LOW_WATER_MARK = 65_536;
/**
 * Writes in one turn of the loop that the system takes at once. The next one waits for another turn: a peer as quick as the
 * writer would otherwise keep everything else of this thread from running.
 */
const AT_ONCE_IN_A_TURN = 32;
const NOTHING = new Uint8Array(0);
const NO_OPTIONS: OperationOptions = {};

export class ConnectionWriter {
  readonly #stream: StreamSocket;
  readonly #turns: LoopTurns;
  #waiting = 0;
  /** Writes that the system has taken at once in this turn. */
  #atOnce = 0;
  #turn = -1;
  #hasEnded = false;
  #isClosed = false;
  /** Of a write that nobody waited for: the next call gets it. */
  #failure: NetworkError | null = null;

  constructor(stream: StreamSocket, scheduler: Scheduler) {
    this.#stream = stream;
    this.#turns = turnsOf(scheduler);
  }

  async write(data: string | WriteData, options: OperationOptions = NO_OPTIONS): Promise<void> {
    const given = bytesOf(data);
    const staysWhereItIs = isAllocated(given);
    // Small pieces travel as one, in one call that is tried at once; large ones are sent from where they are.
    const isOne = given instanceof Uint8Array || staysWhereItIs || lengthOf(given) > LOW_WATER_MARK;
    let rest = isOne ? given : Buffer.concat(given);
    const isCallers = rest === data;
    try {
      this.#requireOpen(options);
      let length = lengthOf(rest);
      const mayBeTried = (rest instanceof Uint8Array || staysWhereItIs) && length > 0 && this.#waiting === 0;
      const hasHadItsTurn = mayBeTried && this.#takenInThisTurn() >= AT_ONCE_IN_A_TURN;
      if (mayBeTried && !hasHadItsTurn) {
        const taken = this.#stream.tryWrite(rest);
        if (taken === length) {
          this.#atOnce++;
          return;
        }
        rest = rest instanceof Uint8Array ? rest.subarray(taken) : behind(rest, taken);
        length -= taken;
      }
      const mustWait = staysWhereItIs || hasHadItsTurn || this.#waiting + length > LOW_WATER_MARK;
      if (mustWait) await this.#written(rest, length, options);
      else this.#writeBehind(isCallers && rest instanceof Uint8Array ? Buffer.from(rest) : rest, length);
    } catch (error) {
      inCallersStack(error);
    }
  }

  async ready(options: OperationOptions = NO_OPTIONS): Promise<void> {
    try {
      this.#requireOpen(options);
      // A write of nothing is over when everything in front of it is, and has its turn like every other.
      await this.#written(NOTHING, 0, options);
      this.#requireOpen(NO_OPTIONS);
    } catch (error) {
      inCallersStack(error);
    }
  }

  async sendFile(file: FileSource, options: SendFileOptions = NO_OPTIONS): Promise<number> {
    try {
      this.#requireOpen(options);
      return await new Promise<number>((resolve, reject) => {
        this.#stream.sendFile(file, options, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
      });
    } catch (error) {
      return inCallersStack(error);
    }
  }

  async end(options: OperationOptions = NO_OPTIONS): Promise<void> {
    try {
      this.#requireOpen(options);
      this.#hasEnded = true;
      await new Promise<void>((resolve, reject) => {
        this.#stream.end(options, (error) => (error === null ? resolve() : reject(error)));
      });
      this.requireUnbroken();
    } catch (error) {
      inCallersStack(error);
    }
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Nothing that was written has failed. @throws NetworkError what a write has failed with */
  requireUnbroken(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Later calls are refused. */
  close(): void {
    this.#isClosed = true;
  }

  #takenInThisTurn(): number {
    const { current } = this.#turns;
    if (current !== this.#turn) this.#atOnce = 0;
    this.#turn = current;
    return this.#atOnce;
  }

  #written(data: WriteData, length: number, options: OperationOptions): Promise<void> {
    this.#waiting += length;
    return new Promise<void>((resolve, reject) => {
      this.#stream.write(data, options, (error) => {
        this.#waiting -= length;
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  /** Nobody waits for this one, so its bytes must not be the caller's. */
  #writeBehind(data: WriteData, length: number): void {
    this.#waiting += length;
    const done: BytesCallback = (error) => {
      this.#waiting -= length;
      if (error !== null && !this.#isClosed) this.#failure ??= error;
    };
    this.#stream.write(data, NO_OPTIONS, done);
  }

  #requireOpen({ signal }: OperationOptions): void {
    if (this.#isClosed) throw closedHere('connection');
    if (this.#hasEnded) throw writeAfterEnd();
    this.requireUnbroken();
    if (signal?.aborted === true) throw aborted(signal);
  }
}

function bytesOf(data: unknown): WriteData {
  if (data instanceof Uint8Array) return data;
  if (typeof data === 'string') return Buffer.from(data);
  if (Array.isArray(data) && data.every((part) => part instanceof Uint8Array)) return data;
  throw wrongType('data', 'a string, a Uint8Array, or an array of them', data);
}

function lengthOf(data: WriteData): number {
  return data instanceof Uint8Array ? data.length : data.reduce((sum, { length }) => sum + length, 0);
}
