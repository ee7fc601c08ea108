/**
 * Finds connections that have been idle for a while and takes their receive buffers back: the receive is cancelled and
 * posted again without a buffer. Data that comes in just then wins, as in every cancel.
 *
 * One timer for all connections, and only while some receive holds a buffer; each sweep looks at every receive once.
 */
import type { Connection } from './connection/connection.ts';
import { OperationKind } from '../memory/operation.ts';
import type { OperationTable } from '../memory/operation-table.ts';
import type { Scheduler, TimerHandle } from '../platform/platform.ts';
import type { Transport } from '../context/transport.ts';

/**
 * Milliseconds between sweeps: a connection is idle when nothing came for one to two of them. Long against any round
 * trip: taking a buffer back from a connection that is only slow costs two calls, and makes a slow machine slower.
 */
const SWEEP_MS = 15_000;
/** Receives cancelled per sweep at most, so that a thousand connections that become idle together cost no long turn. */
const MAX_PER_SWEEP = 512;

export class IdleSweep {
  readonly #scheduler: Scheduler;
  readonly #operations: OperationTable;
  readonly #transport: Transport;
  #timer: TimerHandle | null = null;

  constructor(scheduler: Scheduler, operations: OperationTable, transport: Transport) {
    this.#scheduler = scheduler;
    this.#operations = operations;
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
    for (const operation of this.#operations.pending()) {
      if (operation.kind !== OperationKind.Receive || operation.block === null) continue;
      const connection = operation.owner as Connection; // only reader.ts makes operations of this kind
      if (connection.closing) continue;
      holding = true;
      const { read } = connection;
      if (read.isIdle() && cancelled < MAX_PER_SWEEP && operation.isInKernel && !read.reclaiming && !read.ended) {
        cancelled++;
        read.reclaim();
        this.#transport.cancelOperation(connection, operation);
      }
    }
    if (holding) this.watch();
  };
}
