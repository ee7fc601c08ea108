/** Listening sockets: which part acts on them when something happens. */
import type { Driver } from '../../context/context.ts';
import { OperationKind, type Operation } from '../../memory/operation.ts';
import type { NetworkError } from '../../pal/network-error.ts';
import { notOfThisKind, type SocketKind } from '../../sockets/socket-kind.ts';
import type { AcceptRequest } from '../requests.ts';
import { completeAccept, revokeAccept, stopAccepting } from './acceptor.ts';
import type { Listener } from './listener.ts';

export const listenerKind: SocketKind = {
  name: 'server',
  noun: 'a server',
  isDatagram: false,

  complete(driver: Driver, listener: Listener, operation: Operation): void {
    if (operation.kind === OperationKind.Accept) return completeAccept(driver, listener, operation);
    throw notOfThisKind(this, `An operation of kind ${operation.kind}`);
  },

  cancel(driver: Driver, listener: Listener, call: AcceptRequest, error: NetworkError): boolean {
    return revokeAccept(driver, listener, call, error);
  },

  beginClose(driver: Driver, listener: Listener): void {
    stopAccepting(driver, listener);
  },

  abort(driver: Driver, listener: Listener): void {
    stopAccepting(driver, listener);
  },

  isFlushed: () => true,
  beforeCancel: () => true,
  recycle: () => false,
  beforeClosesocket: () => undefined,
  gone: () => undefined,
  graceExpired: () => undefined,
};
