/** The readiness calls of the contract: watch, and the calls that answer at once. */
import type { AnyHandle, ServerHandle, SocketHandle } from '../pal/handles.ts';
import { argumentError } from '../pal/network-error.ts';
import { shown } from '../util/shown.ts';
import type { WriteData } from '../pal/network-pal.ts';
import { WouldBlock, type Interest, type WatchCallback } from '../pal/readiness.ts';
import { associate } from '../sockets/association.ts';
import type { Connection } from '../tcp/connection/connection.ts';
import { connectionClosed } from '../util/errors.ts';
import { Listener } from '../tcp/accept/listener.ts';
import { readOptions, WATCH_INTEREST } from '../util/read-options.ts';
import { tryRead, tryWrite, watchConnection } from '../tcp/readiness/connection-watch.ts';
import { tryAccept, watchListener } from '../tcp/readiness/listener-watch.ts';
import { unwatch } from '../tcp/readiness/watch.ts';
import { mixedApis, requireCallback, requireOwnConnections, requireSomeBytes, requireSomeData } from './arguments.ts';
import { CallGroup, whyNotTied } from './call-context.ts';

export class ReadinessCalls extends CallGroup {
  watch(socket: AnyHandle, given: Interest, callback: WatchCallback): void {
    const context = this.calls.lifecycle.begun('watch');
    requireCallback(callback);
    const isObject = typeof given === 'object' && (given as unknown) !== null;
    const interest = isObject ? readOptions<Interest>(given, WATCH_INTEREST, 'interest') : {};
    requireInterest(interest, given);
    const known = this.calls.known(socket);
    const record =
      known instanceof Listener
        ? this.calls.listener(socket as ServerHandle)
        : this.calls.established(socket as SocketHandle);
    if (context === null || record === null) {
      this.calls.answerSoon('watch', () => callback(connectionClosed('watch'), false, false));
      return;
    }
    if (record instanceof Listener) requireOwnConnections('watch', record);
    else associate(context, record);
    const pending = record instanceof Listener ? record.waiting.length > 0 : hasRequests(record);
    if (pending) throw mixedApis('watch', socket, 'asynchronous calls are pending on it. Await them first');
    if (record instanceof Listener) watchListener(context, record, interest, callback);
    else watchConnection(context, record, interest, callback);
  }

  unwatch(socket: AnyHandle): void {
    const context = this.calls.lifecycle.begun('unwatch');
    const record = this.calls.known(socket);
    if (context !== null && record !== null) unwatch(context, record);
  }

  tryRead(socket: SocketHandle, given: Uint8Array): number {
    const context = this.calls.lifecycle.begun('tryRead');
    const buffer = requireSomeBytes('buffer', given);
    const connection = this.calls.established(socket);
    if (context === null || connection === null) return 0;
    associate(context, connection);
    if (connection.read.length > 0) throw mixedApis('tryRead', socket, 'an asyncRead is pending on it. Await it first');
    return tryRead(context, connection, buffer);
  }

  tryWrite(socket: SocketHandle, given: WriteData): number {
    const context = this.calls.lifecycle.begun('tryWrite');
    const data = requireSomeData(given);
    const connection = this.calls.established(socket);
    if (context === null || connection === null) return WouldBlock;
    // (An asyncWrite is told why.)
    if (whyNotTied(context, connection, associate) !== null) return WouldBlock;
    return tryWrite(context, connection, data);
  }

  tryAccept(server: ServerHandle): SocketHandle | WouldBlock {
    const context = this.calls.lifecycle.begun('tryAccept');
    const listener = this.calls.listener(server);
    if (context === null || listener === null) return WouldBlock;
    requireOwnConnections('tryAccept', listener);
    if (listener.waiting.length > 0) throw mixedApis('tryAccept', server, 'an asyncAccept waits on it. Await it first');
    return tryAccept(context, listener);
  }
}

function requireInterest(interest: Interest, given: unknown): void {
  if (interest.readable === true || interest.writable === true) return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    'Cannot watch for nothing: the interest must be { readable: true }, { writable: true } or both, and is ' +
      `${shown(given)}. unwatch() ends a watch`,
  );
}

/** Somebody waits for a read or a write. What tryWrite has taken is the first write of its queue, and nobody's. */
function hasRequests({ read, write, readiness }: Connection): boolean {
  return (
    read.length > 0 || (write.drains?.size ?? 0) > 0 || write.queue.length > (readiness?.tryWriting === true ? 1 : 0)
  );
}
