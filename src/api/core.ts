/** The calls of the contract that concern the PAL as a whole, or any socket. The other files of this folder add to them. */
import type { Buffer } from 'node:buffer';
import { Win32Error } from '../../ffi/check.ts';
import { INVALID_SOCKET } from '../../ffi/constants.ts';
import type { AnyHandle, Endpoint } from '../pal/handles.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { NetworkError } from '../pal/network-error.ts';
import type { CloseCallback } from '../pal/network-pal.ts';
import type { NetworkStats } from '../pal/network-stats.ts';
import type { PalDescription } from '../pal/pal-description.ts';
import type { SocketOption, SocketOptionReadings, SocketOptionValues } from '../pal/socket-option.ts';
import { localEndpoint, NO_ENDPOINT } from '../sockets/addresses.ts';
import { boundOnce, type ContextType } from '../platform/async-context.ts';
import { close } from '../sockets/closer.ts';
import { Connection } from '../tcp/connection/connection.ts';
import { formatDescription, inspectContext } from '../runtime/describe.ts';
import { setReferenced, type Context } from '../context/context.ts';
import { fromWin32Error, saysGone } from '../util/errors.ts';
import { Lifecycle } from '../runtime/lifecycle.ts';
import { getOption, readingOfNone, setOption } from './socket-options.ts';
import type { OperationHandle } from '../pal/pending-operation.ts';
import { NO_OPERATION } from '../sockets/pending-call.ts';
import { foreignHandle, nextPalNumber } from '../util/pal-number.ts';
import { resolvePalOptions, type PalOptions } from '../runtime/pal-options.ts';
import { requireInteger } from '../util/validate.ts';
import type { SocketRecord } from '../sockets/socket-record.ts';
import { collectStats } from '../runtime/stats.ts';
import { windowsPlatform } from '../windows/windows-platform.ts';
import { closedHandle, requireCallback, requireSocket, unknownHandle } from './arguments.ts';

/** Largest allocateBuffer, bytes: 1 GiB. */
const MAX_BUFFER_SIZE = 2 ** 30;

function isGone(record: SocketRecord, { systemErrorCode }: Win32Error): boolean {
  return record instanceof Connection && saysGone(systemErrorCode);
}

export abstract class PalCore {
  protected readonly lifecycle: Lifecycle;

  constructor(options: PalOptions) {
    const resolved = resolvePalOptions(options);
    const { platform } = options;
    const number = platform?.numberPal?.() ?? nextPalNumber();
    this.lifecycle = new Lifecycle(resolved, number, () => platform ?? windowsPlatform());
  }

  initialize(): void {
    this.lifecycle.initialize();
  }

  runEventLoop(): Promise<void> {
    return this.lifecycle.run();
  }

  stopEventLoop(): Promise<void> {
    return this.lifecycle.stop();
  }

  isRunning(): boolean {
    return this.lifecycle.isRunning;
  }

  closeSocket(socket: AnyHandle, callback?: CloseCallback): void {
    this.close('closeSocket', socket, callback, close);
  }

  setSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name, value: SocketOptionValues[Name]): void {
    const context = this.lifecycle.begun('setSocketOption');
    const record = this.known(socket);
    if (context === null || record === null) return;
    if (!record.closing) requireSocket('setSocketOption', record);
    else if (record.socket === INVALID_SOCKET) return;
    try {
      setOption(context, record, option, value);
    } catch (error) {
      // A connection that is gone has no options; its next read or write says so.
      if (error instanceof Win32Error && (record.closing || isGone(record, error))) return;
      throw fromWin32Error('option', error);
    }
  }

  getSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name): SocketOptionReadings[Name] {
    const context = this.lifecycle.begun('getSocketOption');
    const record = this.known(socket);
    if (context === null || record === null) return readingOfNone(option);
    if (!record.closing) requireSocket('getSocketOption', record);
    else if (record.socket === INVALID_SOCKET) return readingOfNone(option);
    try {
      return getOption(context, record, option);
    } catch (error) {
      if (error instanceof Win32Error && (record.closing || isGone(record, error))) return readingOfNone(option);
      throw fromWin32Error('option', error);
    }
  }

  ref(socket: AnyHandle): void {
    this.#reference('ref', socket, true);
  }

  unref(socket: AnyHandle): void {
    this.#reference('unref', socket, false);
  }

  getLocalAddress(socket: AnyHandle): string {
    return this.#local('getLocalAddress', socket).address;
  }

  getLocalPort(socket: AnyHandle): number {
    return this.#local('getLocalPort', socket).port;
  }

  allocateBuffer(size: number): Buffer {
    const context = this.lifecycle.open('allocateBuffer');
    requireInteger('size', size, 1, MAX_BUFFER_SIZE);
    const buffer = context.pinned.allocate(size);
    if (buffer !== null) return buffer;
    throw new NetworkError(`Cannot allocate ${size} bytes of pinned memory: the system has none left`, {
      kind: NetworkErrorCode.OutOfMemory,
      code: 'ENOMEM',
      syscall: 'VirtualAlloc',
    });
  }

  stats(): NetworkStats {
    const { context, last } = this.lifecycle.report('stats');
    return context === null ? structuredClone(last.stats) : collectStats(context);
  }

  inspect(): PalDescription {
    const { context, last } = this.lifecycle.report('inspect');
    return context === null ? structuredClone(last.description) : inspectContext(context, this.lifecycle.stage);
  }

  describe(): string {
    return formatDescription(this.inspect());
  }

  /** The socket of a handle, open or closing; null when it is closed. Throws for what is no handle of this PAL. */
  protected known(handle: AnyHandle): SocketRecord | null {
    const record = this.lifecycle.sockets.find(handle);
    if (record === undefined) this.requireGiven(handle);
    return record ?? null;
  }

  /** The open socket of a handle, for a call that hands something out, and can answer in no other way than by a throw. */
  protected find(handle: AnyHandle): SocketRecord {
    const record = this.known(handle);
    if (record !== null && !record.closing) return record;
    throw closedHandle(handle);
  }

  /** Throws for what is no handle of a socket that was open once. */
  protected requireGiven(handle: AnyHandle): void {
    const why = this.lifecycle.sockets.whyNot(handle);
    if (why === 'foreign') throw foreignHandle(handle);
    if (why === 'unknown') throw unknownHandle(handle);
  }

  /** Answers a call that starts nothing, in a coming turn and in the context that it was made in. */
  protected answerSoon(type: ContextType, answer: () => void): OperationHandle {
    this.lifecycle.answer(boundOnce(type, answer));
    return NO_OPERATION;
  }

  protected close(
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

  #reference(call: string, handle: AnyHandle, referenced: boolean): void {
    const context = this.lifecycle.begun(call);
    const record = this.known(handle);
    if (context !== null && record !== null) setReferenced(context, record, referenced);
  }

  #local(call: string, handle: AnyHandle): Endpoint {
    const context = this.lifecycle.begun(call);
    const record = this.known(handle);
    if (context === null || record === null) return NO_ENDPOINT;
    try {
      return localEndpoint(context, record);
    } catch (error) {
      if (record.closing) return NO_ENDPOINT;
      throw error;
    }
  }
}
