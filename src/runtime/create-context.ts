/** The context of one run of a PAL: Winsock is started, and the parts are put together. */
import { checkReturnedCode } from '../../ffi/check.ts';
import { WSADATA_SIZE } from '../../ffi/layouts.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import { BlockPool } from '../memory/block-pool.ts';
import { closeUncancelled, type Closing } from '../sockets/closer.ts';
import { Counters } from '../loop/counters.ts';
import { DatagramRequestPool } from '../udp/datagram-requests.ts';
import type { Context } from '../context/context.ts';
import { PendingTransfers } from '../tcp/transfer/handover.ts';
import { EventLoop } from '../loop/event-loop.ts';
import { wheelOf } from '../loop/deadline-wheel.ts';
import type { Platform } from '../platform/platform.ts';
import type { Operation } from '../memory/operation.ts';
import { OperationTable } from '../memory/operation-table.ts';
import type { ResolvedPalOptions } from './pal-options.ts';
import { WaitingWatches } from '../tcp/readiness/waiting-watches.ts';
import { CallNames, PendingCalls, type PendingCall } from '../sockets/pending-call.ts';
import { PinnedBuffers } from '../memory/pinned-buffers.ts';
import { ViewBlocks } from '../memory/view-blocks.ts';
import { IdleSweep } from '../tcp/idle-sweep.ts';
import { RequestPool } from '../tcp/connection/requests.ts';
import { Scratch } from '../memory/scratch.ts';
import { PostNumbers } from '../remote/post-numbers.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import { SocketTable } from '../sockets/socket-table.ts';
import { discardSocket, hasRealHandles, openTcpSocket } from '../sockets/sockets.ts';

/** Kept from run to run: a handle of an earlier run must stay stale, and never name a socket or a call of a later one. */
export interface Kept {
  readonly pal: number;
  readonly sockets: SocketTable;
  readonly names: CallNames;
  readonly posts: PostNumbers;
}

export function makeKept(pal: number): Kept {
  return { pal, sockets: new SocketTable(pal), names: new CallNames(pal), posts: new PostNumbers(pal) };
}

export interface ContextHooks {
  /** After every turn, in a state where nothing is half done. */
  readonly afterTurn: () => void;
  /** The system cannot be waited for any more. */
  readonly onFailure: (error: Error) => void;
}

/** Winsock 2.2. */
const WINSOCK_VERSION = 0x0202;

/** Starts Winsock and puts the parts together. Throws Win32Error, RangeError or NetworkError, and leaves nothing open. */
export function createContext(
  platform: Platform,
  options: ResolvedPalOptions,
  { pal, sockets, names, posts }: Kept,
  { afterTurn, onFailure }: ContextHooks,
): Context {
  const undo: (() => void)[] = [];
  try {
    const counters = new Counters();
    const scratch = new Scratch(platform.memory);
    undo.push(() => scratch.dispose());
    startWinsock(platform, counters, scratch);
    requireRealHandles({ platform, counters, scratch });
    const blocks = new BlockPool(platform.memory);
    const operations = new OperationTable(platform.memory, options.maxOperations, blocks);
    undo.push(() => operations.dispose());
    const completed = (operation: Operation): void => complete(context, operation);
    const { source, transport } = options.backend.open({
      platform,
      options,
      counters,
      operations,
      scratch,
      completed,
      completeSynchronously: (operation, error, bytes) => loop.completeSynchronously(operation, error, bytes),
      enqueueBehindEvents: (task) => loop.enqueueBehindEvents(task),
      onUncancellable: (record) => closeUncancelled(context, record),
      onRemote: () => context.inbox?.woken(),
      // In a turn, where nothing is half done.
      onFailure: (error) => loop.enqueue(() => onFailure(error)),
      onReady: () => loop.wake(),
    });
    const { ticksBetweenCallbacks } = options;
    const { scheduler } = platform;
    const loop = new EventLoop({ scheduler, source, counters, completed, afterTurn, ticksBetweenCallbacks });
    const calls = new PendingCalls(platform.scheduler, loop, names, (call, error, hard) =>
      takeBack(context, call, error, hard),
    );
    const lends = !transport.keepsBuffers || platform.threadEnd !== undefined;
    const context: Context = {
      palNumber: pal,
      posts,
      platform,
      options,
      counters,
      operations,
      blocks,
      pinned: new PinnedBuffers(platform.memory, lends),
      viewBlocks: new ViewBlocks(platform.memory, lends),
      pendingCalls: calls,
      requests: new RequestPool(calls),
      datagrams: new DatagramRequestPool(calls),
      sockets,
      scratch,
      loop,
      transport,
      idleSweep: new IdleSweep(platform.scheduler, operations, transport),
      closing: wheelOf(loop, platform.scheduler, ({ record }: Closing) => record.kind.graceExpired(context, record)),
      waitingWatches: new WaitingWatches(),
      queuedBytes: 0,
      pendingCallbacks: 0,
      openFiles: 0,
      wakePort: source.wakePort,
      pendingTransfers: new PendingTransfers(),
      inbox: null,
    };
    return context;
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** WSAStartup counts its calls per process; WSACleanup is left to the process's end, as in libuv. */
export function startWinsock(platform: Platform, counters: Counters, scratch: Scratch): void {
  if (scratch.bytes.byteLength < WSADATA_SIZE) throw new Error('The scratch page is smaller than WSADATA');
  counters.syscalls.WSAStartup++;
  checkReturnedCode(platform.ws2_32.WSAStartup(WINSOCK_VERSION, scratch.address), 'WSAStartup');
}

/** A layered service provider without real file handles breaks completion ports in ways that cannot be repaired here. */
function requireRealHandles(parts: { platform: Platform; counters: Counters; scratch: Scratch }): void {
  const socket = openTcpSocket(parts, 4);
  const real = hasRealHandles(parts, socket);
  discardSocket(parts, socket);
  if (real) return;
  throw new NetworkError(
    'Cannot use completion ports: a layered service provider (LSP) without real file handles is installed for TCP. ' +
      "Find it with 'netsh winsock show catalog' and remove the product that installed it, or run 'netsh winsock reset'",
    { kind: NetworkErrorCode.InitializationFailed, code: 'ERR_LAYERED_SERVICE_PROVIDER' },
  );
}

/** An operation has come back. (Every owner is a SocketRecord: memory/ knows no more of it than that it owns operations.) */
function complete(context: Context, operation: Operation): void {
  const owner = operation.owner as SocketRecord | null;
  if (owner !== null) return owner.kind.complete(context, owner, operation);
  throw new Error(
    `Operation slot ${operation.index} of kind ${operation.kind} completed for nobody. This is a bug in iocp-pal; please report it`,
  );
}

function takeBack(context: Context, call: PendingCall, error: NetworkError, hard: boolean): boolean {
  const { owner } = call;
  if (call.cancellation !== null) return true; // the first reason is the one that counts
  if (owner !== null) return owner.kind.cancel(context, owner, call, error, hard);
  throw new Error(`A pending ${call.operation} belongs to nobody. This is a bug in iocp-pal; please report it`);
}
