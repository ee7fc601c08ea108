/**
 * Waiting on the owner's own thread, for a thread whose only work is the network: no hop to another thread and back.
 *
 * The wait blocks the thread, so it is short and grows while nothing comes: Node's timers and promises are late by at
 * most MAX_WAIT_MS. Between two waits Node's loop turns once.
 */
import type { Kernel32 } from '../../../ffi/kernel32.ts';
import { checkBool } from '../../../ffi/check.ts';
import { WAIT_TIMEOUT } from '../../../ffi/wsa-errors.ts';
import type { PortWaiter, WaiterParts } from '../../winsock/kernel.ts';

/** Milliseconds of the first wait after traffic: long enough not to spin, short enough for timers to be on time. */
const FIRST_WAIT_MS = 1;
/** Milliseconds of the longest wait, so also the most that an otherwise idle timer can be late. */
const MAX_WAIT_MS = 8;

export class InlineWaiter implements PortWaiter {
  readonly #kernel32: Kernel32;
  readonly #parts: WaiterParts;
  readonly #count: Uint32Array;
  #armed = false;
  #taken = 0;
  #waitMs = FIRST_WAIT_MS;
  #referenced = true;
  #immediate: NodeJS.Immediate | undefined;

  constructor(kernel32: Kernel32, parts: WaiterParts) {
    this.#kernel32 = kernel32;
    this.#parts = parts;
    const { region, countAddress } = parts.mailbox;
    this.#count = new Uint32Array(region.buffer, countAddress - region.address, 1);
  }

  get armed(): boolean {
    return this.#armed;
  }

  arm(): void {
    this.#armed = true;
    this.#schedule();
  }

  take(): number {
    const taken = this.#taken;
    this.#taken = 0;
    return taken;
  }

  ref(): void {
    this.#referenced = true;
    this.#immediate?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#immediate?.unref();
  }

  stop(): Promise<void> {
    this.#armed = false;
    if (this.#immediate) clearImmediate(this.#immediate);
    this.#immediate = undefined;
    return Promise.resolve();
  }

  #schedule(): void {
    this.#immediate = setImmediate(this.#wait);
    if (!this.#referenced) this.#immediate.unref();
  }

  readonly #wait = (): void => {
    this.#immediate = undefined;
    if (!this.#armed) return;
    const { port, mailbox } = this.#parts;
    const ok = this.#kernel32.GetQueuedCompletionStatusEx(
      port,
      mailbox.region.address,
      mailbox.capacity,
      mailbox.countAddress,
      this.#waitMs,
      0,
    );
    if (ok === 0) {
      if (this.#kernel32.GetLastError() !== WAIT_TIMEOUT) return this.#fail();
      this.#waitMs = Math.min(this.#waitMs * 2, MAX_WAIT_MS);
      return this.#schedule();
    }
    this.#waitMs = FIRST_WAIT_MS;
    this.#armed = false;
    this.#taken = this.#count[0] ?? 0;
    this.#parts.onReady();
  };

  #fail(): void {
    this.#armed = false;
    try {
      checkBool(0, this.#kernel32, 'GetQueuedCompletionStatusEx');
    } catch (error) {
      this.#parts.onFailure(error as Error);
    }
  }
}
