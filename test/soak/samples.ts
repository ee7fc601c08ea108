/** What a soak looks at, and when: twice a round, under way and at rest. */

/** Sockets that are open at rest: three servers, and the one that answers datagrams. */
export const SERVING_SOCKETS = 4;

/** Figures of the process and of both PALs together. */
export interface Sample {
  /** Seconds since the start. */
  readonly at: number;
  /** 'busy': in the middle of a round's traffic. 'rest': after it has ended, and after a garbage collection. */
  readonly when: 'busy' | 'rest';
  /** Handles of the process: GetProcessHandleCount. */
  readonly handles: number;
  /** Operation slots in use. */
  readonly slots: number;
  readonly sockets: number;
  /** Callbacks that somebody still waits for. */
  readonly pendingCallbacks: number;
  readonly queuedBytes: number;
  /** Native memory lent to operations and allocateBuffer. */
  readonly pinnedBytes: number;
  /** Native memory taken from the system. */
  readonly reservedBytes: number;
  readonly heapBytes: number;
  /** Memory outside of V8's heap: ArrayBuffers and their like. */
  readonly externalBytes: number;
  readonly rssBytes: number;
  /** Sessions that have ended since the start. */
  readonly sessions: number;
}

/** What happened, by kind of session. */
export interface Outcome {
  /** Went as it should, every byte compared. */
  done: number;
  /** Ended with an error, as a session does that meets an injected failure. */
  broken: number;
}

/** What the soak's process leaves for the one that judges. */
export interface SoakResult {
  readonly node: string;
  readonly seed: number;
  readonly seconds: number;
  readonly samples: readonly Sample[];
  readonly outcomes: Readonly<Record<string, Outcome>>;
  readonly injected: Readonly<Record<string, number>>;
  readonly bytesVerified: number;
  /** What must never happen: a wrong byte, a callback that does not come, an error of an unknown kind. */
  readonly failures: readonly string[];
}

/** A figure that must not grow. */
export type Figure =
  'handles' | 'slots' | 'sockets' | 'pinnedBytes' | 'reservedBytes' | 'heapBytes' | 'externalBytes' | 'rssBytes';

export interface Limit {
  readonly figure: Figure;
  readonly title: string;
  readonly unit: string;
  /** The figure is divided by this to be shown in its unit. */
  readonly divisor: number;
  /** What its level at rest may rise by in one soak, in the figure's own unit. */
  readonly allowance: number;
  readonly why: string;
}

const MIB = 2 ** 20;

/** Every figure that is judged, with its allowance and the reason for it. */
export const LIMITS: readonly Limit[] = [
  {
    figure: 'handles',
    title: 'handles',
    unit: '',
    divisor: 1,
    allowance: 8,
    why: 'Node opens and closes a few of its own (timers, the file of results); a leak makes hundreds',
  },
  {
    figure: 'slots',
    title: 'operation slots in use',
    unit: '',
    divisor: 1,
    allowance: 4,
    why: 'accepts and receives alone are posted at rest; a place or two may wait for a retry',
  },
  {
    figure: 'sockets',
    title: 'sockets',
    unit: '',
    divisor: 1,
    allowance: 0,
    why: 'those that serve are open, and no other',
  },
  {
    figure: 'pinnedBytes',
    title: 'pinned',
    unit: 'KiB',
    divisor: 1024,
    allowance: 65536,
    why: 'the accept pool and what garbage of allocateBuffer the collector has not told us of yet',
  },
  {
    figure: 'reservedBytes',
    title: 'native memory reserved',
    unit: 'MiB',
    divisor: MIB,
    allowance: 4 * MIB,
    why: 'pools keep what the busiest moment took, and a still busier one may come late',
  },
  {
    figure: 'heapBytes',
    title: 'heap',
    unit: 'MiB',
    divisor: MIB,
    allowance: 2 * MIB,
    why: 'compiled code and what V8 learns of it; 10 000 objects that were lost would be more',
  },
  {
    figure: 'externalBytes',
    title: 'external memory',
    unit: 'MiB',
    divisor: MIB,
    allowance: 2 * MIB,
    why: 'buffers of the test itself that wait for a collection',
  },
  {
    figure: 'rssBytes',
    title: 'RSS',
    unit: 'MiB',
    divisor: MIB,
    allowance: 32 * MIB,
    why: "V8 and the system's allocator return pages when they like, and a slow machine is still compiling after a minute; a leak that matters passes it within the hour",
  },
];
