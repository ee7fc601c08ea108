/** One PAL of a program: its process, its servers, and whether it may be called. */
import {
  createNetworkPal,
  openRemote,
  type NetworkPal,
  type RemoteErrorCallback,
  type RemoteLoop,
  type ServerSocket,
  type SocketHandle,
} from '../../../src/index.ts';
import type { SimulatedPlatform } from '../../../src/sim/index.ts';
import type { Settings } from './program.ts';

export interface Server {
  readonly socket: ServerSocket;
  readonly owner: SimulatedPal;
  /** The servers that accept from one socket, this one among them. */
  readonly group: Server[];
  open: boolean;
  /** Accept callbacks owed. */
  pending: number;
}

/** What a simulated PAL is made with beside its settings. */
export interface SimulatedPalOptions {
  readonly graceMs: number;
  readonly trace: boolean;
  readonly onRemoteError: RemoteErrorCallback;
}

/** Small enough to be full at times. */
const QUEUE_BYTES = 16_384;

export class SimulatedPal {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly servers: Server[] = [];
  running = false;
  /** runEventLoop's promise has been fulfilled. */
  ended = true;
  /** Buffers from allocateBuffer: kept, so that no garbage collection gives them back meanwhile. */
  pinned: Uint8Array[] = [];
  /** How many of them belong to earlier runs of this PAL. */
  oldPinned = 0;
  /** Submissions of this run that were queued. */
  submitted = 0;
  /** Number of the callback for posts; 0 until there is one. */
  post = 0;
  /** Posts that were queued, and those that were heard of. */
  posted = 0;
  heard = 0;
  #remote: RemoteLoop | null = null;
  readonly #onRemoteError: RemoteErrorCallback;

  constructor(
    platform: SimulatedPlatform,
    { waiter, skips, ticks, slots }: Settings,
    { graceMs, trace, onRemoteError }: SimulatedPalOptions,
  ) {
    this.platform = platform;
    this.#onRemoteError = onRemoteError;
    this.pal = createNetworkPal({
      platform,
      waiter,
      skipCompletionPortOnSuccess: skips,
      ticksBetweenCallbacks: ticks,
      closeGraceMs: graceMs,
      maxOperations: slots,
      trackOrigins: trace,
      remoteQueueBytes: QUEUE_BYTES,
      strict: true,
    });
  }

  /** Bytes of the buffers that belong to the current run. */
  get pinnedBytes(): number {
    return this.pinned.slice(this.oldPinned).reduce((sum, { length }) => sum + length, 0);
  }

  /** Its loop, as another thread has it. */
  get remote(): RemoteLoop {
    this.#remote ??= openRemote(this.pal.remote(), { platform: this.platform });
    return this.#remote;
  }

  /** Submissions of this run that were carried out. */
  get carriedOut(): number {
    return this.submitted === 0 ? 0 : this.pal.stats().remoteRecords;
  }

  /** The port that a side connects from; null when its socket is gone already. No fault gets in between. */
  portOf(handle: SocketHandle): number | null {
    try {
      return this.withoutFaults(() => this.pal.getLocalPort(handle));
    } catch {
      return null;
    }
  }

  withoutFaults<Result>(act: () => Result): Result {
    const { faults } = this.platform;
    if (faults !== null) faults.enabled = false;
    try {
      return act();
    } finally {
      if (faults !== null) faults.enabled = true;
    }
  }

  /** Starts or starts again. Faults wait until it runs: whoever cannot start has nothing to test. */
  start(): void {
    this.withoutFaults(() => this.pal.initialize());
    this.running = true;
    this.oldPinned = this.pinned.length;
    this.#remote = null;
    this.submitted = 0;
    this.post = 0;
    this.pal.onRemoteError(this.#onRemoteError);
    this.ended = false;
    void this.pal.runEventLoop().then(() => {
      this.ended = true;
    });
  }
}
