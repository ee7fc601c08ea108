/**
 * What the public calls have in common: the lifecycle of their PAL, the sockets behind handles, and answers for what cannot be
 * done. One per PAL, which each class of calls is given.
 */
import type { AnyHandle, ServerHandle, SocketHandle } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { BytesCallback, CloseCallback } from '../pal/network-pal.ts';
import type { OperationHandle, OperationOptions } from '../pal/pending-operation.ts';
import { boundOnce, type ContextType } from '../platform/async-context.ts';
import type { Context } from '../context/context.ts';
import { Lifecycle } from '../runtime/lifecycle.ts';
import { resolvePalOptions, type PalOptions } from '../runtime/pal-options.ts';
import { NO_OPERATION } from '../sockets/pending-call.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import type { SocketTable } from '../sockets/socket-table.ts';
import { Listener } from '../tcp/accept/listener.ts';
import { Connection } from '../tcp/connection/connection.ts';
import { aborted, type OperationName } from '../util/errors.ts';
import { foreignHandle, nextPalNumber } from '../util/pal-number.ts';
import { OPERATION_OPTIONS, readOptions } from '../util/read-options.ts';
import { windowsPlatform } from '../windows/windows-platform.ts';
import { checkOperationOptions, closedHandle, requireCallback, unknownHandle, wrongKind } from './arguments.ts';

export class CallContext {
  readonly lifecycle: Lifecycle;
  readonly #sockets: SocketTable;

  constructor(options: PalOptions) {
    const resolved = resolvePalOptions(options);
    const { platform } = options;
    const number = platform?.numberPal?.() ?? nextPalNumber();
    this.lifecycle = new Lifecycle(resolved, number, () => platform ?? windowsPlatform());
    this.#sockets = this.lifecycle.sockets;
  }

  /** The socket of a handle, open or closing; null when it is closed. Throws for what is no handle of this PAL. */
  known(handle: AnyHandle): SocketRecord | null {
    const record = this.#sockets.find(handle);
    if (record !== undefined) return record;
    const why = this.#sockets.whyNot(handle);
    if (why === 'foreign') throw foreignHandle(handle);
    if (why === 'unknown') throw unknownHandle(handle);
    return null;
  }

  /** The open socket of a handle, for a call that hands something out, and can answer in no other way than by a throw. */
  find(handle: AnyHandle): SocketRecord {
    const record = this.known(handle);
    if (record !== null && !record.closing) return record;
    throw closedHandle(handle);
  }

  /** Answers a call that starts nothing, in a coming turn and in the context that it was made in. */
  answerSoon(type: ContextType, answer: () => void): OperationHandle {
    this.lifecycle.answer(boundOnce(type, answer));
    return NO_OPERATION;
  }

  close(
    call: string,
    handle: AnyHandle,
    callback: CloseCallback | undefined,
    act: (context: Context, record: SocketRecord, callback: CloseCallback | undefined) => void,
  ): void {
    const context = this.lifecycle.begun(call);
    if (callback !== undefined) requireCallback(callback);
    const record = this.known(handle);
    if (context !== null && record !== null) act(context, record, callback);
    // Closed already: the callback comes all the same, but there is nothing to keep the process alive for.
    else if (callback !== undefined) this.answerSoon('close', callback);
  }

  /** The listening socket of a handle; null when it is closing or closed. Throws for another kind of socket. */
  listener(handle: ServerHandle): Listener | null {
    const record = this.known(handle);
    if (record === null) return null;
    if (!(record instanceof Listener)) throw wrongKind(record, 'createServer');
    return record.closing ? null : record;
  }

  /**
   * The established connection of a handle; null when it is closing or closed. Throws for another kind of socket, and for one
   * that is still connecting.
   */
  established(handle: SocketHandle): Connection | null {
    const record = this.#sockets.find(handle);
    return record instanceof Connection && record.isOpen ? record : this.#notEstablished(handle);
  }

  #notEstablished(handle: SocketHandle): null {
    const record = this.known(handle);
    if (record === null) return null;
    if (!(record instanceof Connection)) throw wrongKind(record, 'asyncConnect or asyncAccept');
    if (record.closing) return null;
    throw stillConnecting(record);
  }

  /** Answers a read or a write that was not started. (No closure of the call itself: it would cost each call a context.) */
  refuseBytes(type: ContextType, callback: BytesCallback, error: NetworkError): OperationHandle {
    return this.answerSoon(type, () => callback(error, 0));
  }
}

/** A group of the public calls, each of which works with the context of its PAL. */
export abstract class CallGroup {
  readonly calls: CallContext;

  constructor(calls: CallContext) {
    this.calls = calls;
  }
}

export function stillConnecting({ handle }: SocketRecord): NetworkError {
  return new NetworkError(`Cannot use socket ${handle}: it is still connecting. Wait for asyncConnect's callback`, {
    kind: NetworkErrorCode.ConnectionFailed,
    code: 'ENOTCONN',
  });
}

/** Ties a socket to this loop that has waited for it (deferAssociation). Returns why the system does not, for the callback. */
export function whyNotTied<Waiting extends SocketRecord>(
  context: Context,
  record: Waiting,
  tie: (context: Context, record: Waiting) => void,
): NetworkError | null {
  return record.associated ? null : tieNow(context, record, tie);
}

function tieNow<Waiting extends SocketRecord>(
  context: Context,
  record: Waiting,
  tie: (context: Context, record: Waiting) => void,
): NetworkError | null {
  try {
    tie(context, record);
    return null;
  } catch (error) {
    if (error instanceof NetworkError) return error;
    throw error;
  }
}

/** What a call gets whose signal was aborted before. Asked before the socket is looked at: a signal may be the caller's own code. */
export function abortedAlready(operation: OperationName, options: OperationOptions | null): NetworkError | null {
  return options === null ? null : abortedBy(operation, options);
}

function abortedBy(operation: OperationName, { signal }: OperationOptions): NetworkError | null {
  return signal?.aborted === true ? aborted(operation, signal) : null;
}

export function optionsOf(value: OperationOptions | ((...args: never[]) => void)): OperationOptions | null {
  return typeof value === 'function' ? null : checkedOptions(value);
}

function checkedOptions(value: unknown): OperationOptions {
  const options = readOptions<OperationOptions>(value, OPERATION_OPTIONS);
  checkOperationOptions(options);
  return options;
}

export function callbackOf<Callback extends (...args: never[]) => void>(
  value: OperationOptions | Callback,
  last: Callback | undefined,
): Callback {
  const callback = last ?? value;
  requireCallback(callback);
  return callback as Callback;
}
