/** kernel32.dll of a simulated process: completion ports, cancelling, and pages. */
import { INVALID_HANDLE_VALUE } from '../../../ffi/constants.ts';
import type { Kernel32 } from '../../../ffi/kernel32.ts';
import { OVERLAPPED_ENTRY } from '../../../ffi/layouts.ts';
import {
  ERROR_INVALID_HANDLE,
  ERROR_INVALID_PARAMETER,
  ERROR_NOT_ENOUGH_MEMORY,
  ERROR_NOT_FOUND,
  WAIT_TIMEOUT,
} from '../../../ffi/wsa-errors.ts';
import type { IoKind, SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import { OpenFile } from '../memory/files.ts';
import { CompletionPort, writeEntry } from '../kernel/completion-port.ts';
import { SimulatedEvent } from '../kernel/event.ts';
import { SimulatedSocket } from '../kernel/socket.ts';

const FALSE = 0;
const TRUE = 1;

/** Operations whose cancellation nobody but the library notices. (A WSASend's breaks the connection: test/sim/unasked-cancels.) */
const LOSES_NOTHING: readonly IoKind[] = ['WSARecv', 'AcceptEx', 'WSARecvFrom', 'WSASendTo'];

export class SimulatedKernel32 implements Kernel32 {
  readonly #platform: SimulatedProcess;

  constructor(platform: SimulatedProcess) {
    this.#platform = platform;
  }

  CreateIoCompletionPort(file: number, existing: number, key: number, concurrency: number): number {
    const platform = this.#platform;
    const fault = platform.faults?.call('CreateIoCompletionPort') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    if (file === INVALID_HANDLE_VALUE) {
      const number = platform.takeNumber();
      if (number === 0) return this.#fail(ERROR_NOT_ENOUGH_MEMORY);
      // 0: as many as there are processors; simulated ones have as many as they need.
      platform.addHandle(new CompletionPort(number, concurrency === 0 ? Infinity : concurrency));
      return number;
    }
    const socket = platform.handle(file);
    const port = platform.handle(existing);
    if (!(socket instanceof SimulatedSocket) || !(port instanceof CompletionPort)) {
      return this.#fail(ERROR_INVALID_HANDLE);
    }
    // A handle stays with its port for good.
    if (socket.port !== null) return this.#fail(ERROR_INVALID_PARAMETER);
    socket.port = port;
    socket.key = key;
    return existing;
  }

  GetQueuedCompletionStatusEx(
    portNumber: number,
    entries: number,
    capacity: number,
    countAddress: number,
    milliseconds: number,
    _alertable: number,
  ): number {
    const platform = this.#platform;
    const port = platform.handle(portNumber);
    if (!(port instanceof CompletionPort)) return this.#fail(ERROR_INVALID_HANDLE);
    if (milliseconds !== 0)
      throw new SimulationError('A wait for packets would block the thread: createWaiter() is there for it');
    const fault = platform.waitFault('GetQueuedCompletionStatusEx');
    if (fault !== 0) return this.#fail(fault);
    if (port.waited) throw new SimulationError('The port was polled while the waiter has it');
    // "A thread that exceeds the concurrency value waits", also when there are packets.
    const held = platform.profile.limitsConcurrency && port.running >= port.concurrency;
    if (port.packets.length === 0 || held) {
      platform.memory
        .at(countAddress, 4, 'ulNumEntriesRemoved')
        .setUint32(countAddress, platform.profile.countOnTimeout);
      return this.#fail(WAIT_TIMEOUT);
    }
    dequeue(platform, port, entries, capacity, countAddress);
    return TRUE;
  }

  PostQueuedCompletionStatus(portNumber: number, bytes: number, key: number, overlapped: number): number {
    const port = this.#platform.handle(portNumber);
    if (!(port instanceof CompletionPort)) return this.#fail(ERROR_INVALID_HANDLE);
    const fault = this.#platform.faults?.call('PostQueuedCompletionStatus') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    port.push({ key, overlapped, status: 0, bytes, io: null });
    return TRUE;
  }

  CancelIoEx(file: number, overlapped: number): number {
    const platform = this.#platform;
    const socket = platform.handle(file);
    if (!(socket instanceof SimulatedSocket)) return this.#fail(ERROR_INVALID_HANDLE);
    const own = [...socket.pending()].filter((io) => io.platform === platform);
    const asked = own.filter((io) => overlapped === 0 || io.overlapped === overlapped);
    const found = asked.filter((io) => !platform.missesCancel(io));
    // Passed by, and yet it may say TRUE.
    if (found.length === 0 && asked.length > 0 && platform.network.maybe()) return TRUE;
    if (found.length === 0) return this.#fail(ERROR_NOT_FOUND);
    const fault = platform.faults?.call('CancelIoEx') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    for (const io of found) platform.cancel(io);
    if (!platform.profile.cancelMayHitOthers) return TRUE;
    for (const io of own) {
      if (!asked.includes(io) && LOSES_NOTHING.includes(io.kind) && platform.network.rarely()) platform.cancel(io);
    }
    return TRUE;
  }

  SetFileCompletionNotificationModes(file: number, flags: number): number {
    const platform = this.#platform;
    const fault = platform.faults?.call('SetFileCompletionNotificationModes') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    const socket = platform.handle(file);
    if (!(socket instanceof SimulatedSocket)) return this.#fail(ERROR_INVALID_HANDLE);
    // A mode, once set, cannot be taken back.
    if ((flags & 1) !== 0) socket.skips = true;
    return TRUE;
  }

  SetHandleInformation(file: number): number {
    return this.#platform.handle(file) === undefined ? this.#fail(ERROR_INVALID_HANDLE) : TRUE;
  }

  CreateEventW(_attributes: number, manualReset: number, initialState: number, name: number): number {
    const platform = this.#platform;
    if (manualReset !== 0 || initialState !== 0 || name !== 0) {
      throw new SimulationError('Only auto-reset events that are not set and have no name are simulated');
    }
    const fault = platform.faults?.call('CreateEventW') ?? 0;
    if (fault !== 0) return this.#fail(fault);
    const number = platform.takeNumber();
    if (number === 0) return this.#fail(ERROR_NOT_ENOUGH_MEMORY);
    platform.addHandle(new SimulatedEvent(number));
    return number;
  }

  SetEvent(number: number): number {
    const event = this.#platform.handle(number);
    if (!(event instanceof SimulatedEvent)) return this.#fail(ERROR_INVALID_HANDLE);
    event.set();
    return TRUE;
  }

  WaitForSingleObject(): number {
    throw new SimulationError('WaitForSingleObject would block the thread: createEventWaiter() is there for it');
  }

  CloseHandle(number: number): number {
    const platform = this.#platform;
    const handle = platform.handle(number);
    if (handle instanceof SimulatedSocket) {
      throw new SimulationError(`CloseHandle on socket ${number}: Winsock's state stays behind. Use closesocket`);
    }
    if (handle instanceof OpenFile) throw new SimulationError(`CloseHandle on file ${number}: it is its descriptor's`);
    if (handle === undefined) return this.#fail(ERROR_INVALID_HANDLE);
    if (handle instanceof SimulatedEvent) {
      if (handle.users > 0)
        throw new SimulationError(`The event was closed while ${handle.users} operations will set it`);
      if (handle.onSet.size > 0) throw new SimulationError('The event was closed while a thread waits for it');
    } else {
      platform.ledger.closePort(handle);
      handle.onPacket.clear();
    }
    platform.removeHandle(number);
    return TRUE;
  }

  GetLastError(): number {
    return this.#platform.lastError;
  }

  VirtualAlloc(_address: number, size: number): number {
    return this.#platform.memory.allocate(size).address;
  }

  VirtualFree(address: number): number {
    this.#platform.memory.release(address);
    return TRUE;
  }

  #fail(code: number): 0 {
    this.#platform.lastError = code;
    return FALSE;
  }
}

/** Takes packets off a port into the library's memory. Returns their number. */
export function dequeue(
  platform: SimulatedProcess,
  port: CompletionPort,
  entries: number,
  capacity: number,
  countAddress: number,
): number {
  const { network } = platform;
  const available = Math.min(port.packets.length, capacity);
  const count = network.maybe() ? 1 + network.choices.pick(available) : available;
  const region = platform.memory.at(entries, capacity * OVERLAPPED_ENTRY.size, 'lpCompletionPortEntries');
  for (let index = 0; index < count; index++) {
    const packet = port.take(network.choices);
    if (packet === undefined) break;
    if (packet.io !== null) {
      platform.ledger.giveBack(packet.io);
      if (platform.faults?.duplicates() === true) port.push({ ...packet, io: null });
    }
    writeEntry(region, entries + index * OVERLAPPED_ENTRY.size, packet);
  }
  platform.memory.at(countAddress, 4, 'ulNumEntriesRemoved').setUint32(countAddress, count);
  network.note(() => `${platform.name}: ${count} packets dequeued`);
  return count;
}
