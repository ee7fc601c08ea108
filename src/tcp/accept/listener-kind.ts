/** Listening sockets: which part acts on them when something happens. */
import type { Context } from '../../context/context.ts';
import { OperationKind, type Operation } from '../../memory/operation.ts';
import { notOfThisKind, type SocketKind } from '../../sockets/socket-kind.ts';
import { completeAccept, cancelAccept, prepareResets, stopAccepting } from './acceptor.ts';
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
  drop: () => undefined,
  abort: stopAccepting,
  isFlushed: () => true,
  beforeCancel: () => true,
  // One that other processes have too goes on listening, and closesocket would cancel nothing.
  closesAtOnce: ({ isShared }: Listener) => !isShared,
  recycle: () => false,
  beforeClosesocket: prepareResets,
  gone: () => undefined,
  graceExpired: () => undefined,
};
