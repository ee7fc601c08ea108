/** What every part of a PAL works with: one per initialize(), thrown away when the loop has ended. */
import type { Counters } from '../loop/counters.ts';
import type { BlockPool } from '../memory/block-pool.ts';
import type { DatagramRequestPool } from '../udp/datagram-requests.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import type { DeadlineWheel } from '../loop/deadline-wheel.ts';
import type { Platform } from '../platform/platform.ts';
import type { OperationTable } from '../memory/operation-table.ts';
import type { WaitingWatches } from '../tcp/readiness/waiting-watches.ts';
import type { PendingTransfers } from '../tcp/transfer/handover.ts';
import type { ViewBlocks } from '../memory/view-blocks.ts';
import type { PendingCalls } from '../sockets/pending-call.ts';
import type { PinnedBuffers } from '../memory/pinned-buffers.ts';
import type { IdleSweep } from '../tcp/idle-sweep.ts';
import type { RequestPool } from '../tcp/connection/requests.ts';
import type { Scratch } from '../memory/scratch.ts';
import type { Closing } from '../sockets/closer.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import type { SocketTable } from '../sockets/socket-table.ts';
import type { ResolvedPalOptions } from '../runtime/pal-options.ts';
import type { PostNumbers } from '../remote/post-numbers.ts';
import type { RemoteInbox } from '../remote/inbox.ts';
import type { Transport } from './transport.ts';

export interface Context {
  /** Number of the PAL, which its handles carry. */
  readonly palNumber: number;
  readonly platform: Platform;
  readonly options: ResolvedPalOptions;
  readonly counters: Counters;
  readonly operations: OperationTable;
  readonly blocks: BlockPool;
  readonly pinned: PinnedBuffers;
  readonly viewBlocks: ViewBlocks;
  readonly pendingCalls: PendingCalls;
  readonly requests: RequestPool;
  readonly datagrams: DatagramRequestPool;
  readonly sockets: SocketTable;
  readonly scratch: Scratch;
  readonly loop: EventLoop;
  readonly transport: Transport;
  readonly idleSweep: IdleSweep;
  /** Closing sockets that wait for something, which they may for closeGraceMs. */
  readonly closing: DeadlineWheel<Closing>;
  readonly waitingWatches: WaitingWatches;
  /** Bytes accepted by asyncWrite and asyncSendTo and not yet taken by the kernel, over all sockets. */
  queuedBytes: number;
  pendingCallbacks: number;
  /** Files opened by asyncSendFile and not closed yet. */
  openFiles: number;
  /** The completion port that other threads can wake the loop through; null on the WSAPoll backend. */
  readonly wakePort: number | null;
  /** Gives out the numbers by which other threads name the callbacks of onRemotePost. */
  readonly posts: PostNumbers;
  /** Connections that were offered to other loops. */
  readonly pendingTransfers: PendingTransfers;
  /** What other threads submit, once remote() or onRemotePost() was called. */
  inbox: RemoteInbox | null;
}

/** One more callback is owed to a user of this socket. */
export function addPendingCallback(context: Context, record: SocketRecord): void {
  context.pendingCallbacks++;
  record.pendingCallbacks++;
  if (record.referenced) context.loop.hold();
}

/** It is about to run. */
export function removePendingCallback(context: Context, record: SocketRecord): void {
  context.pendingCallbacks--;
  record.pendingCallbacks--;
  if (record.referenced) context.loop.release();
}

/**
 * The same for what was begun here and ends by itself (a write, a connect, a close): it keeps the process alive also when the
 * socket is unreferenced, or data that was written would be lost with the process.
 */
export function addRequest(context: Context, record: SocketRecord): void {
  context.pendingCallbacks++;
  record.pendingCallbacks++;
  record.requests++;
  context.loop.hold();
}

export function removeRequest(context: Context, record: SocketRecord): void {
  context.pendingCallbacks--;
  record.pendingCallbacks--;
  record.requests--;
  context.loop.release();
}

/** Makes what a socket waits for (reads, accepts, watches) keep the process alive, or not. */
export function setReferenced(context: Context, record: SocketRecord, referenced: boolean): void {
  if (record.referenced === referenced) return;
  record.referenced = referenced;
  for (let count = record.pendingCallbacks - record.requests; count > 0; count--) {
    if (referenced) context.loop.hold();
    else context.loop.release();
  }
}

/** Where the caller's caller is, when origins are tracked: as an error, whose stack takes long to write and is hardly ever read. */
export function captureOrigin(context: Context): Error | undefined {
  return context.options.trackOrigins ? new Error('created here') : undefined;
}
