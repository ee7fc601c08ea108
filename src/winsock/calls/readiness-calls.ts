/** The readiness face of the contract: watch, and the calls that answer at once. */
import type { AnyHandle, ServerHandle, SocketHandle } from '../../pal/handles.ts';
import { argumentError } from '../../pal/network-error.ts';
import type { Interest, WatchCallback, WouldBlock } from '../../pal/readiness.ts';
import type { Connection } from '../connection.ts';
import { Listener } from '../listener.ts';
import { tryAccept, tryRead, tryWrite, unwatch, watch } from '../watcher.ts';
import { emptyBuffer, mixedFaces, requireBytes, requireCallback, requireOwnConnections } from './arguments.ts';
import { StreamCalls } from './stream-calls.ts';

export abstract class ReadinessCalls extends StreamCalls {
  watch(socket: AnyHandle, interest: Interest, callback: WatchCallback): void {
    const driver = this.lifecycle.open('watch');
    const record = this.find(driver, socket);
    requireCallback(callback);
    requireInterest(interest);
    if (record instanceof Listener) requireOwnConnections('watch', record);
    const pending =
      record instanceof Listener
        ? record.waiting.length > 0
        : hasRequests(this.connection(driver, socket as SocketHandle));
    if (pending) throw mixedFaces('watch', socket, 'asynchronous calls are pending on it. Await them first');
    watch(driver, record, { ...interest }, callback);
  }

  unwatch(socket: AnyHandle): void {
    const driver = this.lifecycle.open('unwatch');
    unwatch(driver, this.find(driver, socket));
  }

  tryRead(socket: SocketHandle, buffer: Uint8Array): number {
    const driver = this.lifecycle.open('tryRead');
    const connection = this.connection(driver, socket);
    requireBytes('buffer', buffer);
    if (buffer.byteLength === 0) throw emptyBuffer('buffer', buffer);
    if (connection.firstRead !== null)
      throw mixedFaces('tryRead', socket, 'an asyncRead is pending on it. Await it first');
    return tryRead(driver, connection, buffer);
  }

  tryWrite(socket: SocketHandle, data: Uint8Array): number {
    const driver = this.lifecycle.open('tryWrite');
    const connection = this.connection(driver, socket);
    requireBytes('data', data);
    if (data.byteLength === 0) throw emptyBuffer('data', data);
    return tryWrite(driver, connection, data);
  }

  tryAccept(server: ServerHandle): SocketHandle | WouldBlock {
    const driver = this.lifecycle.open('tryAccept');
    const listener = this.listener(driver, server);
    requireOwnConnections('tryAccept', listener);
    if (listener.waiting.length > 0)
      throw mixedFaces('tryAccept', server, 'an asyncAccept waits on it. Await it first');
    return tryAccept(driver, listener);
  }
}

function requireInterest(interest: Interest): void {
  if (typeof interest === 'object' && (interest.readable === true || interest.writable === true)) return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    'Cannot watch for nothing: the interest must be { readable: true }, { writable: true } or both. unwatch() ends a watch',
  );
}

/** Somebody waits for a read or a write. What tryWrite has taken is the first write of its queue, and nobody's. */
function hasRequests({ firstRead, firstWrite, lastWrite, tryWriting }: Connection): boolean {
  return firstRead !== null || (tryWriting ? firstWrite !== lastWrite : firstWrite !== null);
}
