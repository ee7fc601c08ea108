/**
 * Handing accepted connections to other loops, before they are tied to any port: through each loop's queue (src/remote),
 * so without a message between threads, and with one wake-up per idle-to-busy change of a loop.
 *
 * Round robin takes the loops in turn. Least loaded takes the one with the fewest connections that came this way and are
 * open: a counter in the loop's shared memory, which the distributor raises at once (so that a burst does not go to one
 * loop) and the loop lowers when it has closed one.
 *
 * A loop that has stopped, or whose queue is full, is passed over. A connection that no loop takes is reset and reported.
 * One that is queued to a loop which the system does not let us wake is that loop's: the wake-up is tried again until it
 * succeeds, since nobody else need ever submit anything to that loop.
 */
import { Buffer } from 'node:buffer';
import { Win32Error } from '../../../ffi/check.ts';
import type { Endpoint } from '../../pal/handles.ts';
import type { SpreadOptions, SpreadPolicy } from '../../pal/loops.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import { RemoteCommand } from '../../remote/commands.ts';
import { openRing, readRemoteToken } from '../../remote/remote-loop.ts';
import { Submitted, type RingProducer } from '../../remote/ring.ts';
import type { Counters } from '../../loop/counters.ts';
import type { Platform, Scheduler } from '../../platform/platform.ts';

/** Milliseconds between two attempts to wake a loop: the system was out of a resource that others give back. */
const WAKE_RETRY_MS = 10;

/** What a distributor works with; a Context has it all. */
export interface DistributorParts {
  readonly platform: Platform;
  readonly counters: Counters;
}

export class Distributor {
  readonly #scheduler: Scheduler;
  readonly #loops: readonly RingProducer[];
  readonly #policy: SpreadPolicy;
  #next = 0;

  /** @throws TypeError when a loop is not what pal.remote() returned. */
  constructor({ loops, policy = 'round-robin' }: SpreadOptions, { platform, counters }: DistributorParts) {
    this.#scheduler = platform.scheduler;
    const counted = (): void => {
      counters.syscalls.PostQueuedCompletionStatus++;
    };
    this.#loops = loops.map((token, index) =>
      openRing(readRemoteToken(`spread.loops[${index}]`, token), { platform }, counted),
    );
    this.#policy = policy;
  }

  /** Hands a connected SOCKET on. Returns false when no loop takes it: it is the caller's still. */
  hand(socket: number, arrival: Arrival): boolean {
    const payload = encodeArrival(arrival);
    for (const loop of this.#inOrder()) {
      loop.addLoad(1);
      if (this.#submit(loop, socket, payload)) return true;
      loop.addLoad(-1);
    }
    return false;
  }

  #submit(loop: RingProducer, socket: number, payload: Uint8Array): boolean {
    try {
      return loop.submit(RemoteCommand.AcceptConnection, socket, payload) === Submitted.Done;
    } catch (error) {
      this.#wakeLater(loop, error);
      return true;
    }
  }

  #wakeLater(loop: RingProducer, error: unknown): void {
    if (!(error instanceof Win32Error)) throw error;
    this.#scheduler.setTimer(WAKE_RETRY_MS, () => {
      try {
        loop.wakeIfAsleep();
      } catch (again) {
        this.#wakeLater(loop, again);
      }
    });
  }

  /** The loops, the one that should get the next connection first. */
  #inOrder(): RingProducer[] {
    const start = this.#next;
    this.#next = (start + 1) % this.#loops.length;
    const inTurn = [...this.#loops.slice(start), ...this.#loops.slice(0, start)];
    if (this.#policy === 'round-robin') return inTurn;
    // The sort is stable: loops with the same load keep their turn.
    return inTurn
      .map((loop) => ({ loop, load: loop.load }))
      .sort((one, other) => one.load - other.load)
      .map(({ loop }) => loop);
  }
}

/** What is known of a connection that arrives through a queue. */
export interface Arrival {
  readonly family: 4 | 6;
  readonly peer: Endpoint | null;
  readonly local: Endpoint | null;
}

function encodeArrival(arrival: Arrival): Uint8Array {
  return Buffer.from(JSON.stringify(arrival));
}

export function decodeArrival(payload: Buffer): Arrival {
  return JSON.parse(payload.toString()) as Arrival;
}

/** The error for the server's owner when no loop took a connection. */
export function nobodyTook(peer: Endpoint | null): NetworkError {
  const who = peer === null ? 'a connection' : `the connection of ${peer.address} port ${peer.port}`;
  return new NetworkError(
    `Cannot hand ${who} to another loop: each of them has stopped or has a full queue. The connection was reset`,
    { kind: NetworkErrorCode.ResourceExhausted, code: 'ERR_NO_LOOP' },
  );
}
