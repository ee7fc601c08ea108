/**
 * Cancels again what a cancel has missed.
 *
 * CancelIoEx that finds no operation (ERROR_NOT_FOUND) nearly always means that it has completed, and that its packet is on
 * its way; one that finds it, that the packet will come soon. But an operation can be out of reach for a moment and then go on.
 * Wine's server passes by a send or a TransmitFile that it has just woken its process for; if the peer takes only a part of it,
 * the operation goes back to waiting, with nobody left who would cancel it. It was seen to answer TRUE then, too. And of a call
 * for all operations of a socket TRUE says only that it found some. So whatever the answer was, what was to be cancelled is
 * looked at again until its packet is there.
 *
 * What outlives many cancels on a socket that is being closed is left to closesocket, of which Microsoft says that it cancels
 * pending overlapped operations, and that they complete:
 * https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-closesocket
 */
import { INVALID_SOCKET } from '../../ffi/constants.ts';
import type { TimerHandle } from '../platform/platform.ts';
import { OperationState } from '../memory/operation.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import type { BackendParts } from '../context/transport.ts';

/** Milliseconds between two looks: long against the way of a packet, short against a close that somebody waits for. */
const REPEAT_MS = 100;
/** Cancels, 5 seconds of them, after which a socket that is being closed is closed although it has operations. */
const MAX_REPEATS = 50;

export class RepeatedCancels {
  readonly #parts: BackendParts;
  /** Sockets with operations that may have been missed (their packets have not come yet), and how often these were cancelled again. */
  readonly #missed = new Map<SocketRecord, number>();
  #timer: TimerHandle | null = null;

  constructor(parts: BackendParts) {
    this.#parts = parts;
  }

  /** Cancels one operation of a socket, or all of them (0). */
  cancel(record: SocketRecord, address: number): void {
    if (record.socket === INVALID_SOCKET) return; // closesocket has cancelled it; and as a handle, -1 means this process
    this.#cancel(record, address);
    if (!this.#missed.has(record)) this.#missed.set(record, 0);
    this.#wait();
  }

  /** No operation is under way any more. */
  close(): void {
    if (this.#timer !== null) this.#parts.platform.scheduler.clearTimer(this.#timer);
    this.#timer = null;
    this.#missed.clear();
  }

  #wait(): void {
    // Packets that a busy thread has not looked at are no missed cancels.
    this.#timer ??= this.#parts.platform.scheduler.setTimer(REPEAT_MS, () => {
      this.#parts.enqueueBehindEvents(this.#repeat);
    });
  }

  readonly #repeat = (): void => {
    this.#timer = null;
    for (const [record, repeats] of this.#missed) {
      if (!this.#cancelAgain(record)) this.#missed.delete(record);
      else if (repeats < MAX_REPEATS) this.#missed.set(record, repeats + 1);
      else if (record.closing) {
        this.#missed.delete(record);
        this.#parts.onUncancellable(record);
      }
    }
    if (this.#missed.size > 0) this.#wait();
  };

  /** Returns false when there is nothing to be cancelled any more. */
  #cancelAgain(record: SocketRecord): boolean {
    if (record.socket === INVALID_SOCKET) return false;
    let some = false;
    for (const operation of record.operations()) {
      if (operation.state !== OperationState.Cancelling) continue;
      some = true;
      this.#cancel(record, operation.address);
    }
    return some;
  }

  #cancel(record: SocketRecord, address: number): void {
    this.#parts.counters.syscalls.CancelIoEx++;
    this.#parts.platform.kernel32.CancelIoEx(record.socket, address);
  }
}
