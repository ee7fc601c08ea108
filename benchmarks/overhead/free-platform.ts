/**
 * A platform that costs nothing: every call pends, and its packet is there at the next dequeue. What is left of a round trip
 * on it is the library's own code.
 *
 * It models no network. A receive brings `messageBytes` bytes at once, a send takes all it is given, a connect succeeds. There is always a
 * datagram, of one peer after the other.
 */
import { AF_INET } from '../../ffi/constants.ts';
import { OVERLAPPED, OVERLAPPED_ENTRY, sockaddr_in } from '../../ffi/layouts.ts';
import type { NativeMemory, NativeRegion } from '../../ffi/memory.ts';
import type { Platform, PortWaiter } from '../../src/platform/platform.ts';

/** Packets that can be under way: a power of two. */
const RING_SIZE = 65536;
const PENDING = 0;
const IO_PENDING = 997;
const WAIT_TIMEOUT = 258;
const FIRST_ADDRESS = 0x100000;
/** Who sends datagrams. */
const PEERS = 100;
/** The family and the port of a peer, as the first word of a sockaddr_in. */
const sockaddrStart = (peer: number): number => AF_INET | (((peer & 0xff) << 24) | ((30 + (peer >> 8)) << 16));
const REAL_HANDLES = 0x20000;

export interface FreePlatform extends Platform {
  /** Runs turns until `done` says so. */
  run(done: () => boolean): void;
}

export function freePlatform(messageBytes: number): FreePlatform {
  const regions: NativeRegion[] = [];
  let nextAddress = FIRST_ADDRESS;
  const memory: NativeMemory = {
    allocate(byteLength) {
      const region = { address: nextAddress, buffer: new ArrayBuffer(byteLength) };
      nextAddress += Math.ceil(byteLength / 65536) * 65536;
      regions.push(region);
      return region;
    },
    allocateCollected: (byteLength) => memory.allocate(byteLength),
    release: () => undefined,
  };
  const wordsAt = (address: number): Uint32Array => {
    for (const { address: start, buffer } of regions) {
      if (address >= start && address < start + buffer.byteLength) {
        return new Uint32Array(buffer, address - start, (buffer.byteLength - (address - start)) >>> 2);
      }
    }
    throw new Error(`No memory at ${address}`);
  };

  // The places that the kernel reads and writes, found once.
  let slab: Uint32Array | null = null;
  let slabAddress = 0;
  let entries: Uint32Array | null = null;
  let count: Uint32Array | null = null;
  /** The slab of operation contexts, which holds this address. */
  const contexts = (inside: number): Uint32Array => (slab ??= slabWith(inside));
  // By itself: a function with a closure over its argument takes memory for that on every call, which is not the library's.
  const slabWith = (inside: number): Uint32Array => {
    const region = regions.find(({ address, buffer }) => inside >= address && inside < address + buffer.byteLength);
    slabAddress = region?.address ?? 0;
    return wordsAt(slabAddress);
  };

  const keys: number[] = [];
  const ringKey = new Float64Array(RING_SIZE);
  const ringOverlapped = new Float64Array(RING_SIZE);
  const ringBytes = new Uint32Array(RING_SIZE);
  let peer = 0;
  let head = 0;
  let tail = 0;
  const push = (socket: number, overlapped: number, bytes: number): void => {
    // As Windows does: the OVERLAPPED has the outcome too, and that is where the library looks.
    contexts(overlapped)[(overlapped - slabAddress + OVERLAPPED.InternalHigh) / 4] = bytes;
    const at = tail & (RING_SIZE - 1);
    ringKey[at] = keys[socket] ?? 0;
    ringOverlapped[at] = overlapped;
    ringBytes[at] = bytes;
    tail++;
  };

  const sendLength = (wsabufs: number, segments: number): number => {
    const slab = contexts(wsabufs);
    let total = 0;
    for (let segment = 0; segment < segments; segment++) total += slab[(wsabufs - slabAddress) / 4 + segment * 4] ?? 0;
    return total;
  };

  const turns: (() => void)[] = [];
  let socket = 0;
  const unused = (): never => {
    throw new Error('The free kernel does not have this call');
  };
  return {
    memory,
    kernel32: {
      CreateIoCompletionPort(file, _port, key) {
        if (file >= 0) keys[file] = key;
        return 1;
      },
      GetQueuedCompletionStatusEx(_port, entriesAddress, capacity, countAddress) {
        if (head === tail) return 0;
        entries ??= wordsAt(entriesAddress);
        count ??= wordsAt(countAddress);
        let taken = 0;
        while (head !== tail && taken < capacity) {
          const at = head & (RING_SIZE - 1);
          const word = (taken * OVERLAPPED_ENTRY.size) / 4;
          const key = ringKey[at] ?? 0;
          const overlapped = ringOverlapped[at] ?? 0;
          entries[word] = key;
          entries[word + 1] = key / 4294967296;
          entries[word + 2] = overlapped;
          entries[word + 3] = overlapped / 4294967296;
          entries[word + 6] = ringBytes[at] ?? 0;
          head++;
          taken++;
        }
        count[0] = taken;
        return 1;
      },
      PostQueuedCompletionStatus: () => 1,
      CancelIoEx: () => 1,
      SetFileCompletionNotificationModes: () => 1,
      SetHandleInformation: () => 1,
      CreateEventW: unused,
      SetEvent: unused,
      WaitForSingleObject: unused,
      CloseHandle: () => 1,
      GetLastError: () => WAIT_TIMEOUT,
      VirtualAlloc: unused,
      VirtualFree: unused,
    },
    ws2_32: {
      WSAStartup: () => 0,
      WSACleanup: () => 0,
      WSASocketW: () => ++socket,
      WSADuplicateSocketW: unused,
      accept: unused,
      bind: () => 0,
      connect: unused,
      ioctlsocket: () => 0,
      listen: () => 0,
      WSARecv(s, _buffers, _count, _received, _flags, overlapped) {
        push(s, overlapped, messageBytes);
        return -1;
      },
      WSASend(s, buffers, segments, _sent, _flags, overlapped) {
        push(s, overlapped, sendLength(buffers, segments));
        return -1;
      },
      WSARecvFrom(s, _buffers, _count, received, _flags, from, fromLength, overlapped) {
        const words = contexts(from);
        peer = peer === PEERS ? 1 : peer + 1;
        words[(from - slabAddress) / 4] = sockaddrStart(peer);
        words[(from - slabAddress) / 4 + 1] = 0x0100007f;
        words[(fromLength - slabAddress) / 4] = sockaddr_in.size;
        if (overlapped !== 0) push(s, overlapped, messageBytes);
        else words[(received - slabAddress) / 4] = messageBytes;
        return overlapped === 0 ? 0 : -1;
      },
      WSASendTo(_s, buffers, _count, sent) {
        const words = contexts(buffers);
        const at = (buffers - slabAddress) / 4;
        // (Those of calls without an operation lie elsewhere.)
        if (at >= 0 && at < words.length) words[(sent - slabAddress) / 4] = words[at] ?? 0;
        return 0;
      },
      WSAPoll: unused,
      WSAIoctl: () => 0,
      setsockopt: () => 0,
      getsockopt(_s, _level, _name, value) {
        wordsAt(value)[0] = REAL_HANDLES;
        return 0;
      },
      getsockname(_s, name) {
        wordsAt(name)[0] = sockaddrStart(0);
        return 0;
      },
      getpeername: () => 0,
      shutdown: () => 0,
      closesocket: () => 0,
      WSAGetLastError: () => IO_PENDING,
    },
    mswsock: {
      AcceptEx: () => unused,
      ConnectEx: () => (s, _name, _length, _data, _size, _sent, overlapped) => {
        push(s, overlapped, 0);
        return PENDING;
      },
      DisconnectEx: () => unused,
      GetAcceptExSockaddrs: () => unused,
      TransmitFile: () => unused,
    },
    scheduler: {
      now: () => 0,
      soon: (callback) => turns.push(callback),
      setTimer: () => ({ simulatedTimer: 0 }),
      clearTimer: () => undefined,
    },
    createEventWaiter: () => {
      throw new Error('No server is shared here');
    },
    createWaiter: (_kind, { onReady }) => freeWaiter(() => turns.push(onReady)),
    onIdle: () => () => undefined,
    threadEnd: { watch: () => () => undefined, pause: () => undefined },
    run(done) {
      while (!done()) {
        const turn = turns.shift();
        if (turn === undefined) throw new Error('Nothing is left to run');
        turn();
      }
    },
  };
}

/** A waiter that is woken as soon as it waits: there is nothing to wait for here. */
function freeWaiter(wake: () => void): PortWaiter {
  let armed = false;
  return {
    get armed() {
      return armed;
    },
    arm() {
      armed = true;
      wake();
    },
    take() {
      armed = false;
      return 0;
    },
    takeWaits: () => 0,
    ref: () => undefined,
    unref: () => undefined,
    stop: () => Promise.resolve(),
  };
}
