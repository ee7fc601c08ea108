/** Listening sockets: which part acts on them when something happens. */
import type { Context } from '../../context/context.ts';
import { OperationKind, type Operation } from '../../memory/operation.ts';
import { notOfThisKind, type SocketKind } from '../../sockets/socket-kind.ts';
import { completeAccept, cancelAccept, stopAccepting } from './acceptor.ts';
import type { Listener } from './listener.ts';

export const listenerKind: SocketKind = {
  name: 'server',
  noun: 'a server',
  isDatagram: false,

  complete(context: Context, listener: Listener, operation: Operation): void {
    if (operation.kind === OperationKind.Accept) return completeAccept(context, listener, operation);
    throw notOfThisKind(this, `An operation of kind ${operation.kind}`);
  },

  cancel: cancelAccept,
  beginClose: stopAccepting,
  abort: stopAccepting,
  isFlushed: () => true,
  beforeCancel: () => true,
  recycle: () => false,
  beforeClosesocket: () => undefined,
  gone: () => undefined,
  graceExpired: () => undefined,
};
