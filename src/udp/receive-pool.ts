/** The receives of a UDP socket that the system is given, each with a block of its own. */
import { WSAENOBUFS } from '../../ffi/wsa-errors.ts';
import type { Context } from '../context/context.ts';
import { classFor } from '../memory/block-pool.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import { abandonOperation } from '../sockets/abandon.ts';
import type { DatagramSocket } from './datagram-socket.ts';

/** Posts as many receives as the pool has places for. */
export function fillPool(context: Context, socket: DatagramSocket): void {
  while (socket.receiving.size < socket.settings.depth) {
    const operation = context.operations.take(OperationKind.ReceiveFrom, socket);
    // With one posted the socket receives; it fills the rest when there are slots again.
    if (operation === null) return;
    socket.receiving.add(operation);
    post(context, socket, operation);
  }
}

/** Posts one again that has come back. */
export function repost(context: Context, socket: DatagramSocket, operation: Operation): void {
  context.operations.reset(operation);
  post(context, socket, operation);
}

function post(context: Context, socket: DatagramSocket, operation: Operation): void {
  socket.posted.push(operation);
  try {
    start(context, socket, operation);
  } catch (error) {
    abandonOperation(context, socket, operation, error);
  }
}

function start(context: Context, socket: DatagramSocket, operation: Operation): void {
  const length = socket.settings.maxDatagramSize;
  operation.block ??= context.blocks.take(classFor(length));
  const { block } = operation;
  if (block === null || block.size < length) {
    // A smaller block, from a system without memory, would cut datagrams off behind the user's back.
    context.loop.completeSynchronously(operation, WSAENOBUFS, 0);
    return;
  }
  operation.requested = length;
  context.operations.setSegment(operation, 0, block.address, length);
  context.transport.receiveFrom(socket, operation);
}

/** Gives one back, with its block. */
export function release(context: Context, socket: DatagramSocket, operation: Operation): void {
  socket.receiving.delete(operation);
  context.operations.release(operation);
}
