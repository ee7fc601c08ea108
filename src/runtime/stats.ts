/** stats(): a snapshot of the context. */
import type { NetworkStats } from '../pal/network-stats.ts';
import type { Context } from '../context/context.ts';
import { SLOT_SIZE, OperationKind } from '../memory/operation.ts';

export function collectStats(context: Context): NetworkStats {
  const { operations, blocks, pinned, viewBlocks, sockets } = context;
  const inUse = (kind: OperationKind): number => operations.inUse[kind] ?? 0;
  context.loop.countWaits();
  const { syscalls, ...counted } = context.counters;
  const open = { connection: 0, server: 0, udp: 0 };
  for (const { kind } of sockets) open[kind.name]++;
  return {
    sockets: sockets.size,
    servers: open.server,
    udpSockets: open.udp,
    operations: {
      receive: inUse(OperationKind.Receive) + inUse(OperationKind.ZeroByteReceive) + inUse(OperationKind.ReceiveFrom),
      send: inUse(OperationKind.Send) + inUse(OperationKind.SendTo),
      accept: inUse(OperationKind.Accept),
      connect: inUse(OperationKind.Connect),
    },
    freeSlots: operations.free,
    slots: operations.capacity,
    pendingCallbacks: context.pendingCallbacks,
    openFiles: context.openFiles,
    queuedBytes: context.queuedBytes,
    pinnedBytes: operations.used * SLOT_SIZE + blocks.bytesInUse + viewBlocks.bytesInUse + pinned.byteLength,
    reservedBytes: operations.byteLength + blocks.reservedBytes + viewBlocks.reservedBytes + pinned.reservedBytes,
    ...counted,
    syscalls: Object.fromEntries(Object.entries(syscalls)),
  };
}
