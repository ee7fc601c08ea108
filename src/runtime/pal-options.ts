/** Options of createNetworkPal: what they mean, what they default to, and what is refused. */
import { requireInteger, requireOneOf, wrongType } from '../util/validate.ts';
import { argumentError } from '../pal/network-error.ts';
import { shown } from '../util/shown.ts';
import { CELL_BYTES, MAX_CELLS, MIN_CELLS } from '../remote/ring-layout.ts';
import type { Backend } from '../context/transport.ts';
import { iocp } from '../overlapped/backend.ts';
import type { Platform, WaiterKind } from '../platform/platform.ts';
import { readOptions, type OptionNames } from '../util/read-options.ts';

/** Options of createNetworkPal. */
export interface PalOptions {
  /** `wsapoll` of 'iocp-pal/wsapoll': readiness through WSAPoll, for comparison; it does not scale. Default: completion ports. */
  backend?: Backend | undefined;
  /** 'worker' (default): a worker_thread waits. 'inline': this thread waits, for threads that do nothing else. */
  waiter?: WaiterKind | undefined;
  /**
   * Let calls that succeed at once skip the completion port (SetFileCompletionNotificationModes). 'auto', the default:
   * for each socket whose provider has real file handles and for which the system confirms it, as libuv does. True: the
   * same. False: never, so that every operation ends with a packet. docs/performance.md has the figures that decided it.
   */
  skipCompletionPortOnSuccess?: 'auto' | boolean | undefined;
  /** Milliseconds that closeSocket spends on flushing what is queued, 0 … 2^31-1. Default 5000. */
  closeGraceMs?: number | undefined;
  /**
   * Stop by itself when nothing keeps the process alive any more: sockets are closed in order, and runEventLoop's promise is
   * fulfilled. Default true. False: the process just ends, as with node:net, and the system closes what is open; runEventLoop's promise
   * is fulfilled after a stopEventLoop() only, so do not await it at the top of a module.
   */
  stopWhenIdle?: boolean | undefined;
  /**
   * Run process.nextTick's queue and promise jobs between any two callbacks, as Node does with its own sockets. Default false: they run
   * after the last callback of a turn. It costs a macrotask per callback, which is 6 to 21 % of an echo's rate: docs/async-context.md.
   */
  ticksBetweenCallbacks?: boolean | undefined;
  /** Operations that may be under way at a time, 16 … 1048576; each takes 128 bytes. Default 65536. */
  maxOperations?: number | undefined;
  /** Bytes that asyncWrite queues per socket before it refuses, at least 65536. Default 67108864 (64 MiB). */
  maxQueuedBytesPerSocket?: number | undefined;
  /** Bytes that asyncWrite queues on all sockets together before it refuses, at least 65536. Default 1073741824 (1 GiB). */
  maxQueuedBytes?: number | undefined;
  /** Bytes of the queue through which other threads submit to the loop (remote()), 4096 … 67108864. Default 1048576. */
  remoteQueueBytes?: number | undefined;
  /** Remember where sockets and operations were made, for describe(). Costs a stack trace each. Default false. */
  trackOrigins?: boolean | undefined;
  /** Throw on what is otherwise only counted, such as packets that match no operation. Default false. */
  strict?: boolean | undefined;
  /** The system to work on. Default: the Windows of this process. */
  platform?: Platform | undefined;
}

/** The options with all defaults filled in, but for the platform. */
export type ResolvedPalOptions = {
  readonly [Name in Exclude<keyof PalOptions, 'platform'>]: NonNullable<PalOptions[Name]>;
};

const DEFAULTS: ResolvedPalOptions = {
  backend: iocp,
  waiter: 'worker',
  skipCompletionPortOnSuccess: 'auto',
  closeGraceMs: 5000,
  stopWhenIdle: true,
  ticksBetweenCallbacks: false,
  maxOperations: 65536,
  maxQueuedBytesPerSocket: 64 * 1024 * 1024,
  maxQueuedBytes: 1024 * 1024 * 1024,
  remoteQueueBytes: 1024 * 1024,
  trackOrigins: false,
  strict: false,
};

/** What defaults to a boolean must be one. */
const PAL_OPTIONS = {
  ...Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, typeof value === 'boolean'])),
  platform: false,
} as OptionNames<PalOptions>;

/** Reads the options once. Throws TypeError with a code when they are no object, or one that is to be a boolean is none. */
export function readPalOptions(given: unknown): PalOptions {
  const options = readOptions<PalOptions>(given, PAL_OPTIONS);
  const platform: unknown = options.platform;
  if (platform === undefined || (typeof platform === 'object' && platform !== null)) return options;
  throw wrongType('platform', 'an object, such as a simulated platform', platform);
}

/**
 * Fills in the defaults. Throws TypeError or RangeError with a code for values that make no sense.
 * @param options from readPalOptions
 */
export function resolvePalOptions({ platform: _platform, ...given }: PalOptions): ResolvedPalOptions {
  const options = { ...DEFAULTS, ...(given as Partial<ResolvedPalOptions>) };
  requireBackend(options.backend);
  requireOneOf('waiter', options.waiter, ['worker', 'inline']);
  if (typeof options.skipCompletionPortOnSuccess !== 'boolean') {
    requireOneOf('skipCompletionPortOnSuccess', options.skipCompletionPortOnSuccess, ['auto']);
  }
  requireInteger('closeGraceMs', options.closeGraceMs, 0, 2 ** 31 - 1);
  requireInteger('maxOperations', options.maxOperations, 16, 2 ** 20);
  requireInteger('remoteQueueBytes', options.remoteQueueBytes, MIN_CELLS * CELL_BYTES, MAX_CELLS * CELL_BYTES);
  requireInteger('maxQueuedBytesPerSocket', options.maxQueuedBytesPerSocket, 65536, Number.MAX_SAFE_INTEGER);
  requireInteger('maxQueuedBytes', options.maxQueuedBytes, 65536, Number.MAX_SAFE_INTEGER);
  return options;
}

function requireBackend(value: Partial<Backend> | null): void {
  if (typeof value === 'object' && typeof value?.open === 'function') return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot use backend: it must be wsapoll of 'iocp-pal/wsapoll', or be left out for completion ports, and is ${shown(value)}`,
  );
}
