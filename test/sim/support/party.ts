/** One PAL of a program: its process, its servers, and whether it may be called. */
import { createNetworkPal, type NetworkPal, type ServerSocket, type SocketHandle } from '../../../src/index.ts';
import type { SimulatedKernel } from '../../../src/sim/index.ts';
import type { Settings } from './program.ts';

export interface Server {
  readonly socket: ServerSocket;
  open: boolean;
  /** Accept callbacks owed. */
  pending: number;
}

export class Party {
  readonly kernel: SimulatedKernel;
  readonly pal: NetworkPal;
  readonly servers: Server[] = [];
  running = false;
  /** runEventLoop's promise has been fulfilled. */
  ended = true;
  /** Buffers from allocateBuffer: kept, so that no garbage collection gives them back meanwhile. */
  pinned: Uint8Array[] = [];
  /** How many of them belong to earlier runs of this PAL. */
  oldPinned = 0;

  constructor(kernel: SimulatedKernel, { poller, skips, slots, faults }: Settings, graceMs: number, origins: boolean) {
    this.kernel = kernel;
    this.pal = createNetworkPal({
      kernel,
      poller,
      skipCompletionPortOnSuccess: skips,
      closeGraceMs: graceMs,
      maxOperations: slots,
      trackOrigins: origins,
      strict: faults?.duplicates === undefined,
    });
  }

  /** Bytes of the buffers that belong to the current run. */
  get pinnedBytes(): number {
    return this.pinned.slice(this.oldPinned).reduce((sum, { length }) => sum + length, 0);
  }

  /** The port that a side connects from; null when its socket is gone already. No fault gets in between. */
  portOf(handle: SocketHandle): number | null {
    const { faults } = this.kernel;
    if (faults !== null) faults.enabled = false;
    try {
      return this.pal.getLocalPort(handle);
    } catch {
      return null;
    } finally {
      if (faults !== null) faults.enabled = true;
    }
  }

  /** Starts or starts again. Faults wait until it runs: whoever cannot start has nothing to test. */
  start(): void {
    const { faults } = this.kernel;
    if (faults !== null) faults.enabled = false;
    this.pal.initialize();
    if (faults !== null) faults.enabled = true;
    this.running = true;
    this.oldPinned = this.pinned.length;
    this.ended = false;
    void this.pal.runEventLoop().then(() => {
      this.ended = true;
    });
  }
}
