/**
 * Finds connections that have been quiet for a while and takes their receive buffers back: the receive is cancelled and
 * posted again without a buffer. Data that comes in just then wins, as in every cancel.
 *
 * One timer for all connections, and only while some receive holds a buffer; each sweep looks at every connection once.
 */
import { Connection } from './connection.ts';
import type { Scheduler, TimerHandle } from '../platform/platform.ts';
import type { SocketTable } from '../sockets/socket-table.ts';
import type { Transport } from '../context/transport.ts';

/**
 * Milliseconds between sweeps: a connection is quiet when nothing came for one to two of them. Long against any round
 * trip: taking a buffer back from a connection that is only slow costs two calls, and makes a slow machine slower.
 */
const SWEEP_MS = 15_000;
/** Receives cancelled per sweep at most, so that a thousand connections going quiet together cost no long turn. */
const MAX_PER_SWEEP = 512;

export class QuietSweep {
  readonly #scheduler: Scheduler;
  readonly #sockets: SocketTable;
  readonly #transport: Transport;
  #timer: TimerHandle | null = null;

  constructor(scheduler: Scheduler, sockets: SocketTable, transport: Transport) {
    this.#scheduler = scheduler;
    this.#sockets = sockets;
    this.#transport = transport;
  }

  /** A receive holds a buffer from now on. */
  watch(): void {
    this.#timer ??= this.#scheduler.setTimer(SWEEP_MS, this.#sweep);
  }

  dispose(): void {
    if (this.#timer !== null) this.#scheduler.clearTimer(this.#timer);
    this.#timer = null;
  }

  readonly #sweep = (): void => {
    this.#timer = null;
    let holding = false;
    let cancelled = 0;
    for (const record of this.#sockets) {
      if (!(record instanceof Connection) || record.closing) continue;
      const operation = record.receiveOperation;
      if (!operation?.block) continue;
      holding = true;
      if (record.receivedSince) {
        record.receivedSince = false;
      } else if (cancelled < MAX_PER_SWEEP && operation.isInKernel && !record.quieting && !record.receiveEnded) {
        cancelled++;
        record.quieting = true;
        this.#transport.cancelOperation(record, operation);
      }
    }
    if (holding) this.watch();
  };
}
