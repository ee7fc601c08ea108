/**
 * The TransmitFile operations of a simulated process. Client editions of Windows carry out two at a time, and let the others wait
 * for their turn: "Workstation and client versions of Windows optimize the TransmitFile function for minimum memory and resource
 * utilization by limiting the number of concurrent TransmitFile operations allowed on the system to a maximum of two".
 * Source: https://learn.microsoft.com/windows/win32/api/mswsock/nf-mswsock-transmitfile (Remarks)
 */
import type { Io } from './io.ts';

export class TransmitQueue {
  readonly #atOnce: number;
  /** In the order of their calls; the first #atOnce of them move. */
  readonly #operations: Io[] = [];

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** One more could move at once. */
  get hasRoom(): boolean {
    return this.#operations.length < this.#atOnce;
  }

  enter(io: Io): void {
    this.#operations.push(io);
  }

  /** It is this one's turn, or it is no TransmitFile. */
  mayMove(io: Io): boolean {
    if (io.kind !== 'TransmitFile') return true;
    const place = this.#operations.indexOf(io);
    return place >= 0 && place < this.#atOnce;
  }

  /** One has ended, in whatever way: the next one's turn has come. */
  leave(io: Io): void {
    const place = this.#operations.indexOf(io);
    if (place < 0) return;
    this.#operations.splice(place, 1);
    const next = this.#operations[this.#atOnce - 1];
    if (place < this.#atOnce) next?.socket.end?.update();
  }
}
