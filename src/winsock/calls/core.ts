/** The calls of the contract that concern the PAL as a whole, or any socket. The other files of this folder add to them. */
import type { Buffer } from 'node:buffer';
import type { AnyHandle } from '../../pal/handles.ts';
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import { NetworkError } from '../../pal/network-error.ts';
import type { CloseCallback } from '../../pal/network-pal.ts';
import type { NetworkStats } from '../../pal/network-stats.ts';
import type { PalDescription } from '../../pal/pal-description.ts';
import type { SocketOption, SocketOptionReadings, SocketOptionValues } from '../../pal/socket-option.ts';
import { localEndpoint } from '../addresses.ts';
import { boundOnce } from '../async-context.ts';
import { close } from '../closer.ts';
import { formatDescription, inspectDriver } from '../describe.ts';
import { setReferenced, type Driver } from '../driver.ts';
import { fromWin32Error, type OperationName } from '../errors.ts';
import { Lifecycle } from '../lifecycle.ts';
import { getOption, setOption } from '../options.ts';
import { foreignHandle } from '../pal-number.ts';
import { requireInteger, resolvePalOptions, type PalOptions } from '../pal-options.ts';
import type { SocketRecord } from '../socket-record.ts';
import { collectStats } from '../stats.ts';
import type { OpenBackend } from '../transport.ts';
import { windowsKernel } from '../windows-kernel.ts';
import { requireCallback, requireSocket, unknownHandle } from './arguments.ts';

/** Largest allocateBuffer, bytes: 1 GiB. */
const MAX_BUFFER_SIZE = 2 ** 30;

export abstract class PalCore {
  protected readonly lifecycle: Lifecycle;

  constructor(options: PalOptions, openBackend: OpenBackend) {
    const resolved = resolvePalOptions(options);
    const { kernel } = options;
    this.lifecycle = new Lifecycle(resolved, () => kernel ?? windowsKernel(), openBackend);
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
    this.close(socket, callback, close);
  }

  setSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name, value: SocketOptionValues[Name]): void {
    const driver = this.lifecycle.open('setSocketOption');
    const record = this.find(driver, socket);
    requireSocket('setSocketOption', record);
    wrap('option', () => {
      setOption(driver, record, option, value);
    });
  }

  getSocketOption<Name extends SocketOption>(socket: AnyHandle, option: Name): SocketOptionReadings[Name] {
    const driver = this.lifecycle.open('getSocketOption');
    const record = this.find(driver, socket);
    requireSocket('getSocketOption', record);
    return wrap('option', () => getOption(driver, record, option));
  }

  ref(socket: AnyHandle): void {
    const driver = this.lifecycle.open('ref');
    setReferenced(driver, this.find(driver, socket), true);
  }

  unref(socket: AnyHandle): void {
    const driver = this.lifecycle.open('unref');
    setReferenced(driver, this.find(driver, socket), false);
  }

  getLocalAddress(socket: AnyHandle): string {
    const driver = this.lifecycle.open('getLocalAddress');
    return localEndpoint(driver, this.find(driver, socket)).address;
  }

  getLocalPort(socket: AnyHandle): number {
    const driver = this.lifecycle.open('getLocalPort');
    return localEndpoint(driver, this.find(driver, socket)).port;
  }

  allocateBuffer(size: number): Buffer {
    const driver = this.lifecycle.open('allocateBuffer');
    requireInteger('size', size, 1, MAX_BUFFER_SIZE);
    const buffer = driver.pinned.allocate(size);
    if (buffer !== null) return buffer;
    throw new NetworkError(`Cannot allocate ${size} bytes of pinned memory: the system has none left`, {
      kind: NetworkErrorCode.OutOfMemory,
      code: 'ENOMEM',
      syscall: 'VirtualAlloc',
    });
  }

  stats(): NetworkStats {
    return collectStats(this.lifecycle.current('stats'));
  }

  inspect(): PalDescription {
    return inspectDriver(this.lifecycle.current('inspect'), this.lifecycle.stage);
  }

  describe(): string {
    return formatDescription(inspectDriver(this.lifecycle.current('describe'), this.lifecycle.stage));
  }

  /** The open socket of a handle. */
  protected find(driver: Driver, handle: AnyHandle): SocketRecord {
    const record = driver.sockets.find(handle);
    if (record !== undefined && !record.closing) return record;
    if (record === undefined) this.requireGiven(handle);
    throw new NetworkError(
      `Cannot use socket ${handle}: it is closed. Windows may have given its number to another connection, ` +
        'which this handle does not reach',
      { kind: NetworkErrorCode.ConnectionClosed, code: 'ERR_SOCKET_CLOSED' },
    );
  }

  /** Throws for what is no handle of a socket that was open once. */
  protected requireGiven(handle: AnyHandle): void {
    const why = this.lifecycle.sockets.whyNot(handle);
    if (why === 'foreign') throw foreignHandle(handle);
    if (why === 'unknown') throw unknownHandle(handle);
  }

  protected close(
    handle: AnyHandle,
    callback: CloseCallback | undefined,
    act: (driver: Driver, record: SocketRecord, callback: CloseCallback | undefined) => void,
  ): void {
    const driver = this.lifecycle.current('closeSocket');
    if (callback !== undefined) requireCallback(callback);
    const record = driver.sockets.find(handle);
    if (record !== undefined) {
      act(driver, record, callback);
      return;
    }
    this.requireGiven(handle);
    // Closed already: the callback comes all the same, but there is nothing to keep the process alive for.
    if (callback !== undefined) driver.loop.enqueue(boundOnce('close', callback));
  }
}

function wrap<Result>(operation: OperationName, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw fromWin32Error(operation, error);
  }
}
