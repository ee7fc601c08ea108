/**
 * As much of Windows as a PollSet needs: memory, sockets that are numbers, a waiter that the test ends, and a WSAPoll
 * that reports what the test says. Everything else throws.
 */
import { INVALID_SOCKET, SOCKET_ERROR, SO_ERROR, SOL_SOCKET } from '../../ffi/constants.ts';
import { WSAPOLLFD } from '../../ffi/layouts.ts';
import { WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import type { Ws2_32 } from '../../ffi/ws2_32.ts';
import { SimulatedMemory, type Region } from '../../src/sim/memory/memory.ts';
import { BlockPool } from '../../src/memory/block-pool.ts';
import { Counters } from '../../src/loop/counters.ts';
import type { Platform, PortWaiter } from '../../src/platform/platform.ts';
import type { createPollWaiter, PollWaiterParts } from '../../src/wsapoll/poll-waiter.ts';
import type { Operation } from '../../src/memory/operation.ts';
import { OperationTable } from '../../src/memory/operation-table.ts';
import { resolvePalOptions } from '../../src/runtime/pal-options.ts';
import { Scratch } from '../../src/memory/scratch.ts';
import type { BackendParts } from '../../src/context/transport.ts';

/** Larger than 2^32, so that code which drops the upper half of a SOCKET fails. */
export const WAKE_SOCKET = 0x1_0000_0001;

/** One entry of the array, as the kernel sees it. */
export interface Entry {
  socket: number;
  events: number;
}

export class FakePoll {
  readonly counters = new Counters();
  readonly completed: Operation[] = [];
  /** What the source has said of its wait. */
  readonly failures: Error[] = [];
  readonly parts: BackendParts;
  /** Sockets with events to report, until the test takes them out. */
  readonly revents = new Map<number, number>();
  /** SO_ERROR by socket. */
  readonly errors = new Map<number, number>();
  /** The system has no more memory. */
  exhausted = false;
  /** The WSAIoctl calls. */
  readonly controls: { socket: number; code: number }[] = [];
  /** Calls that fail, by name. */
  readonly failing = new Set<'WSASocketW' | 'bind' | 'createPollWaiter'>();
  /** Sockets that are open. */
  openSockets = 0;
  wakeUps = 0;
  /** The code that WSAPoll fails with, or 0. */
  pollFails = 0;
  now = 0;
  armed = false;
  #taken = 0;
  #waiter: PollWaiterParts | null = null;
  readonly #regions = new Set<Region>();

  constructor() {
    const memory = new SimulatedMemory();
    const allocate = (byteLength: number): Region | null => {
      const region = this.exhausted ? null : memory.allocate(byteLength);
      if (region !== null) this.#regions.add(region);
      return region;
    };
    const release = (address: number): void => {
      for (const region of this.#regions) if (region.address === address) this.#regions.delete(region);
      memory.release(address);
    };
    const tables = { ws2_32: this.#ws2_32(), memory: { allocate, allocateCollected: allocate, release } };
    const platform = {
      ...tables,
      scheduler: { now: () => this.now },
    } as unknown as Platform;
    const completeSynchronously = (operation: Operation, error: number, bytes: number): void => {
      operation.error = error;
      operation.bytes = bytes;
      this.completed.push(operation);
    };
    const blocks = new BlockPool(platform.memory);
    this.parts = {
      platform,
      options: resolvePalOptions({}),
      counters: this.counters,
      operations: new OperationTable(platform.memory, 64, blocks),
      scratch: new Scratch(platform.memory),
      completed: (operation) => this.completed.push(operation),
      completeSynchronously,
      onRemote: () => undefined,
      onReady: () => undefined,
      onFailure: (error) => this.failures.push(error),
      enqueueBehindEvents: (task) => task(),
      onUncancellable: () => undefined,
    };
  }

  /** Stretches of memory that are taken. */
  get regions(): number {
    return this.#regions.size;
  }

  /** The array that the next WSAPoll would be given. */
  entries(): Entry[] {
    const { address, count } = this.#parts().array();
    const region = this.#at(address);
    return Array.from({ length: count }, (_, index) => ({
      socket: region.getPointer(address + index * WSAPOLLFD.size),
      events: new Int16Array(region.buffer)[(index * WSAPOLLFD.size + WSAPOLLFD.events) / 2] ?? 0,
    }));
  }

  /** Milliseconds that the waiter may wait at most. */
  get limitMs(): number {
    return this.#parts().limitMs();
  }

  /** The waiter's wait returns, as WSAPoll would let it. */
  wait(): void {
    const { address, count } = this.#parts().array();
    const found = this.#poll(address, count);
    this.armed = false;
    this.#taken = Math.max(found, 1);
  }

  /** The waiter's wait fails. */
  fail(error: Error): void {
    this.armed = false;
    this.#parts().onFailure(error);
  }

  /** For the PollSet, in the place of the one that waits in a thread. */
  readonly makeWaiter: typeof createPollWaiter = (_platform, _kind, parts): PortWaiter => {
    if (this.failing.has('createPollWaiter')) throw new Error('No more threads');
    this.#waiter = parts;
    const armed = (): boolean => this.armed;
    return {
      get armed() {
        return armed();
      },
      arm: () => (this.armed = true),
      take: () => {
        const taken = this.#taken;
        this.#taken = 0;
        return taken;
      },
      takeWaits: () => 0,
      ref: () => undefined,
      unref: () => undefined,
      stop: () => Promise.resolve(),
    };
  };

  #ws2_32(): Partial<Ws2_32> {
    return {
      WSASocketW: () => {
        if (this.failing.has('WSASocketW')) return INVALID_SOCKET;
        this.openSockets++;
        return WAKE_SOCKET;
      },
      bind: () => (this.failing.has('bind') ? SOCKET_ERROR : 0),
      ioctlsocket: () => 0,
      getsockname: () => 0,
      closesocket: () => {
        this.openSockets--;
        return 0;
      },
      WSAGetLastError: () => (this.pollFails === 0 ? WSAEWOULDBLOCK : this.pollFails),
      connect: () => SOCKET_ERROR,
      WSAIoctl: (socket, code) => {
        this.controls.push({ socket, code });
        return 0;
      },
      accept: () => INVALID_SOCKET,
      WSAPoll: (address, count) => (this.pollFails === 0 ? this.#poll(address, count) : SOCKET_ERROR),
      WSASendTo: () => {
        this.wakeUps++;
        return 1;
      },
      WSARecv: (socket) => {
        if (socket !== WAKE_SOCKET || this.wakeUps === 0) return SOCKET_ERROR;
        this.wakeUps--;
        return 0;
      },
      getsockopt: (socket, level, name, value) => {
        if (level !== SOL_SOCKET || name !== SO_ERROR) return SOCKET_ERROR;
        this.#at(value).setUint32(value, this.errors.get(socket) ?? 0);
        return 0;
      },
    };
  }

  #poll(address: number, count: number): number {
    const region = this.#at(address);
    const shorts = new Int16Array(region.buffer);
    let found = 0;
    for (let index = 0; index < count; index++) {
      const socket = region.getPointer(address + index * WSAPOLLFD.size);
      const isWake = socket === WAKE_SOCKET;
      const revents = this.revents.get(socket) ?? (isWake && this.wakeUps > 0 ? 0x0100 : 0);
      shorts[(index * WSAPOLLFD.size + WSAPOLLFD.revents) / 2] = revents;
      if (revents !== 0) found++;
    }
    return found;
  }

  #parts(): PollWaiterParts {
    if (this.#waiter === null) throw new Error('No PollSet was made');
    return this.#waiter;
  }

  #at(address: number): Region {
    for (const region of this.#regions) if (address >= region.address && address < region.end) return region;
    throw new Error(`Nothing is allocated at ${address.toString(16)}`);
  }
}
