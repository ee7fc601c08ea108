/** UDP sockets: which part acts on them when something happens. */
import type { Context } from '../context/context.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { abort } from '../sockets/closer.ts';
import { notOfThisKind, type SocketKind } from '../sockets/socket-kind.ts';
import { completeReceiveFrom, cancelReceive, stopReceiving } from './datagram-receiver.ts';
import type { ReceiveFromRequest, SendToRequest } from './datagram-requests.ts';
import { completeSendTo, dropSends, cancelSend } from './datagram-sender.ts';
import type { DatagramSocket } from './datagram-socket.ts';

export const datagramKind: SocketKind = {
  name: 'udp',
  noun: 'a UDP socket',
  isDatagram: true,

  complete(context: Context, socket: DatagramSocket, operation: Operation): void {
    if (operation.kind === OperationKind.ReceiveFrom) return completeReceiveFrom(context, socket, operation);
    if (operation.kind === OperationKind.SendTo) return completeSendTo(context, socket, operation);
    throw notOfThisKind(this, `An operation of kind ${operation.kind}`);
  },

  cancel(
    context: Context,
    socket: DatagramSocket,
    call: ReceiveFromRequest | SendToRequest,
    error: NetworkError,
  ): boolean {
    if (call.operation === 'receive') return cancelReceive(context, socket, call, error);
    return cancelSend(context, socket, call, error);
  },

  beginClose: stopReceiving,

  drop(context: Context, socket: DatagramSocket): void {
    socket.resetting = true;
    dropSends(context, socket);
  },

  abort(context: Context, socket: DatagramSocket): void {
    stopReceiving(context, socket);
    dropSends(context, socket);
  },

  /** (Without sends under way none waits: each that ends submits the next.) */
  isFlushed({ sending, resetting }: DatagramSocket): boolean {
    return sending.length === 0 || resetting;
  },

  beforeCancel: () => true,
  closesAtOnce: ({ sending }: DatagramSocket) => sending.length === 0,
  recycle: () => false,
  beforeClosesocket: () => undefined,
  gone: () => undefined,

  graceExpired(context: Context, socket: DatagramSocket): void {
    if (!socket.closed) abort(context, socket);
  },
};
