/** UDP sockets: which part acts on them when something happens. */
import type { Driver } from '../context/context.ts';
import { OperationKind, type Operation } from '../memory/operation.ts';
import type { NetworkError } from '../pal/network-error.ts';
import { abort } from '../sockets/closer.ts';
import { notOfThisKind, type SocketKind } from '../sockets/socket-kind.ts';
import { completeReceiveFrom, revokeReceive, stopReceiving } from './datagram-receiver.ts';
import type { ReceiveFromRequest, SendToRequest } from './datagram-requests.ts';
import { completeSendTo, dropSends, revokeSend } from './datagram-sender.ts';
import type { DatagramSocket } from './datagram-socket.ts';

export const datagramKind: SocketKind = {
  name: 'udp',
  noun: 'a UDP socket',
  isDatagram: true,

  complete(driver: Driver, socket: DatagramSocket, operation: Operation): void {
    if (operation.kind === OperationKind.ReceiveFrom) return completeReceiveFrom(driver, socket, operation);
    if (operation.kind === OperationKind.SendTo) return completeSendTo(driver, socket, operation);
    throw notOfThisKind(this, `An operation of kind ${operation.kind}`);
  },

  cancel(
    driver: Driver,
    socket: DatagramSocket,
    call: ReceiveFromRequest | SendToRequest,
    error: NetworkError,
  ): boolean {
    if (call.operation === 'receive') return revokeReceive(driver, socket, call, error);
    return revokeSend(driver, socket, call, error);
  },

  beginClose(driver: Driver, socket: DatagramSocket): void {
    stopReceiving(driver, socket);
    if (socket.sending.length > 0) driver.grace.add(socket);
  },

  abort(driver: Driver, socket: DatagramSocket): void {
    stopReceiving(driver, socket);
    dropSends(driver, socket);
  },

  /** (Without sends under way none waits: each that ends submits the next.) */
  isFlushed({ sending, resetting }: DatagramSocket): boolean {
    return sending.length === 0 || resetting;
  },

  beforeCancel: () => true,
  recycle: () => false,
  beforeClosesocket: () => undefined,
  gone: () => undefined,

  graceExpired(driver: Driver, socket: DatagramSocket): void {
    if (!socket.closed) abort(driver, socket);
  },
};
