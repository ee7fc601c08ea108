/**
 * A set of sockets under WSAPoll, as the event loop's source.
 *
 * The WSAPOLLFD array holds exactly the sockets that somebody waits for: a socket enters when an operation of it has to
 * wait, and leaves when none has. Both are O(1): it enters at the end, and the last one takes the place of the one that
 * leaves. What is O(n) is the call itself, and looking through its answer: that is what completion ports are for.
 *
 * While the waiter has the array, nobody may touch it: changes are noted and the wait is interrupted, by a datagram to a
 * socket of our own that is always the first of the set. (A pipe cannot be polled on Windows, and a short timeout would
 * cost either latency or an idle CPU.)
 *
 * Before Windows 10 2004, WSAPoll never reports a connect that failed (its documentation says so). While connects are
 * pending the wait is therefore limited to CONNECT_CHECK_MS, and each of them is asked for its SO_ERROR.
 *
 * POLLHUP is reported whether it was asked for or not, from the peer's FIN on. A socket of which nothing else is reported, and
 * which could do nothing with it (a send that waits for room), leaves the array for REST_MS, or the wait would return at once
 * for ever.
 */
import { checkWinsock, Win32Error } from '../../ffi/check.ts';
import { INVALID_SOCKET, POLLNVAL, POLLRDNORM, SOCKET_ERROR } from '../../ffi/constants.ts';
import { sockaddr_in, WSABUF, WSAPOLLFD } from '../../ffi/layouts.ts';
import type { NativeRegion } from '../../ffi/memory.ts';
import { WSAENOTSOCK } from '../../ffi/wsa-errors.ts';
import { loopback } from '../pal/ip-address.ts';
import type { EventSource } from '../loop/event-source.ts';
import type { PortWaiter } from '../platform/platform.ts';
import { bindSocket, discardSocket, openUdpSocket, setNonBlocking } from '../sockets/sockets.ts';
import type { BackendParts } from '../context/transport.ts';
import { TimedWaiter } from '../wait/timed-waiter.ts';
import { createPollWaiter } from './poll-waiter.ts';
import type { PolledSocket } from './polled-socket.ts';

/** Entries of the first array; it doubles when full. */
const INITIAL_CAPACITY = 256;
/** Milliseconds between two looks at pending connects. */
const CONNECT_CHECK_MS = 250;
/** Milliseconds that a socket is out of the array after a report that was of no use: a hundred looks a second at most. */
const REST_MS = 10;

const ENTRY_SHORTS = WSAPOLLFD.size / 2;
const EVENTS_SHORT = WSAPOLLFD.events / 2;
const REVENTS_SHORT = WSAPOLLFD.revents / 2;
const ENTRY_WORDS = WSAPOLLFD.size / 4;

export class PollSet implements EventSource {
  readonly wakePort = null;
  readonly batchSize = Infinity;
  readonly #parts: BackendParts;
  #waiter: PortWaiter;
  /** The end of the waiter that has failed: nobody waits any more, and the array is nobody's. */
  #waiterEnd: Promise<void> | null = null;
  #isLost = false;
  readonly #wakeSocket: number;
  readonly #wakeLength: number;
  readonly #wakeAddress: NativeRegion;
  #region: NativeRegion;
  #shorts: Int16Array;
  #words: Uint32Array;
  /** Who is at which place; place 0 is the wake-up socket's. */
  readonly #members: (PolledSocket | null)[] = [null];
  #noted: PolledSocket[] = [];
  #interrupted = false;
  /** The last wait found nothing that explains its return: the wake-up socket itself may be gone. */
  #unexplained = false;
  #connecting = new Set<PolledSocket>();
  #nextConnectCheck = 0;
  /** Out of the array until #restUntil, scheduler milliseconds. */
  readonly #resting = new Set<PolledSocket>();
  #restUntil = 0;
  #ready: PolledSocket[] = [];
  #revents: number[] = [];

  /** @throws Win32Error when the system refuses; RangeError when it has no memory. */
  constructor(parts: BackendParts, makeWaiter = createPollWaiter) {
    this.#parts = parts;
    const undo: (() => void)[] = [];
    try {
      this.#region = this.#takeMemory(INITIAL_CAPACITY * WSAPOLLFD.size, undo);
      this.#shorts = new Int16Array(this.#region.buffer);
      this.#words = new Uint32Array(this.#region.buffer);
      this.#wakeAddress = this.#takeMemory(WAKE_CALL_SIZE, undo);
      this.#wakeSocket = this.#openWakeSocket();
      undo.push(() => discardSocket(parts, this.#wakeSocket));
      this.#wakeLength = this.#fillWakeCall();
      this.#write(0, this.#wakeSocket, POLLRDNORM);
      this.#waiter = makeWaiter(parts.platform, parts.options.waiter, {
        array: () => ({ address: this.#region.address, count: this.#members.length }),
        limitMs: () => (this.#resting.size > 0 ? REST_MS : this.#connecting.size > 0 ? CONNECT_CHECK_MS : 0),
        interrupt: () => this.#sendWakeUp(),
        onReady: parts.onReady,
        onFailure: this.#lose,
      });
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
  }

  get waitsHere(): boolean {
    return this.#parts.options.waiter === 'inline';
  }

  get waiting(): boolean {
    return this.#waiter.armed;
  }

  wait(): void {
    this.#waiter.arm();
  }

  countWaits(): void {
    this.#parts.counters.syscalls.WSAPoll += this.#waiter.takeWaits();
  }

  ref(): void {
    this.#waiter.ref();
  }

  unref(): void {
    this.#waiter.unref();
  }

  /** The socket's `wanted` or `connecting` has changed. */
  changed(member: PolledSocket): void {
    if (this.#isLost) return;
    if (!this.#waiter.armed) {
      this.#apply(member);
      return;
    }
    if (!member.noted) {
      member.noted = true;
      this.#noted.push(member);
    }
    if (this.#interrupted) return;
    this.#sendWakeUp();
    this.#interrupted = true; // not before: when that throws, the next change has to interrupt the wait
  }

  poll(): number {
    const { counters, platform } = this.#parts;
    if (this.#isLost) return 0;
    this.#endRests();
    if (this.#members.length === 1 && !this.#unexplained) return 0;
    this.#unexplained = false;
    counters.syscalls.WSAPoll++;
    const found = platform.ws2_32.WSAPoll(this.#region.address, this.#members.length, 0);
    if (found !== SOCKET_ERROR) return this.#collect(found);
    this.#lose(new Win32Error('WSAPoll', platform.ws2_32.WSAGetLastError()));
    return 0;
  }

  take(): number {
    const found = this.#waiter.take();
    if (found === 0) return 0;
    const wasWoken = (this.#shorts[REVENTS_SHORT] ?? 0) !== 0;
    const count = this.#collect(found);
    this.#unexplained = count === 0 && !wasWoken;
    this.#interrupted = false;
    for (const member of this.#noted.splice(0)) {
      member.noted = false;
      this.#apply(member);
    }
    this.#endRests();
    return count;
  }

  dispatch(index: number): void {
    this.#ready[index]?.ready(this.#revents[index] ?? 0);
  }

  async close(): Promise<void> {
    await this.#waiter.stop();
    await this.#waiterEnd;
    discardSocket(this.#parts, this.#wakeSocket);
    this.#parts.platform.memory.release(this.#region.address);
    this.#parts.platform.memory.release(this.#wakeAddress.address);
  }

  /** Nobody can wait for sockets any more. The system has none of our operations: cancelling them ends them. */
  readonly #lose = (error: Error): void => {
    if (this.#isLost) return;
    this.#isLost = true;
    const { platform, counters, onReady, onFailure } = this.#parts;
    const failed = this.#waiter;
    this.#waiter = new TimedWaiter(platform.scheduler, onReady);
    this.#waiterEnd = failed.stop();
    counters.syscalls.WSAPoll += failed.takeWaits();
    onFailure(error);
  };

  /** Looks through the array for the `found` entries that have something to say. */
  #collect(found: number): number {
    this.#ready.length = 0;
    this.#revents.length = 0;
    const shorts = this.#shorts;
    const woken = shorts[REVENTS_SHORT] ?? 0;
    if ((woken & POLLNVAL) !== 0) {
      // Somebody has closed our own socket: every wait would return at once.
      this.#lose(new Win32Error('WSAPoll', WSAENOTSOCK));
      return 0;
    }
    if (woken !== 0) this.#drainWakeSocket();
    let left = found;
    for (let place = 0; place < this.#members.length && left > 0; place++) {
      const revents = shorts[place * ENTRY_SHORTS + REVENTS_SHORT] ?? 0;
      if (revents === 0) continue;
      left--;
      const member = this.#members[place];
      // A member that does not want anything any more left while the waiter had the array.
      if (!member || (member.wanted === 0 && !member.connecting)) continue;
      this.#ready.push(member);
      this.#revents.push(revents);
    }
    this.#checkConnects();
    return this.#ready.length;
  }

  #checkConnects(): void {
    if (this.#connecting.size === 0) return;
    const now = this.#parts.platform.scheduler.now();
    if (now < this.#nextConnectCheck) return;
    this.#nextConnectCheck = now + CONNECT_CHECK_MS;
    for (const member of this.#connecting) {
      if (this.#ready.includes(member)) continue;
      this.#ready.push(member);
      this.#revents.push(0);
    }
  }

  #endRests(): void {
    if (this.#resting.size === 0 || this.#parts.platform.scheduler.now() < this.#restUntil) return;
    for (const member of [...this.#resting]) {
      member.rested();
      this.#apply(member);
    }
  }

  #apply(member: PolledSocket): void {
    if (!member.resting) this.#resting.delete(member);
    else {
      if (this.#resting.size === 0) this.#restUntil = this.#parts.platform.scheduler.now() + REST_MS;
      this.#resting.add(member);
    }
    if (member.connecting) this.#connecting.add(member);
    else this.#connecting.delete(member);
    if (member.wanted === 0 || member.socket === INVALID_SOCKET) {
      if (member.place !== -1) this.#remove(member);
    } else if (member.place === -1) {
      this.#add(member);
    } else {
      this.#shorts[member.place * ENTRY_SHORTS + EVENTS_SHORT] = member.wanted;
    }
  }

  #add(member: PolledSocket): void {
    const place = this.#members.length;
    if ((place + 1) * WSAPOLLFD.size > this.#region.buffer.byteLength && !this.#grow()) {
      member.refused();
      return;
    }
    this.#members.push(member);
    member.place = place;
    this.#write(place, member.socket, member.wanted);
  }

  #remove(member: PolledSocket): void {
    const { place } = member;
    const last = this.#members.pop();
    member.place = -1;
    if (last === member || last === undefined || last === null) return;
    this.#members[place] = last;
    last.place = place;
    this.#write(place, last.socket, last.wanted);
  }

  #write(place: number, socket: number, events: number): void {
    this.#words[place * ENTRY_WORDS] = socket; // modulo 2^32
    this.#words[place * ENTRY_WORDS + 1] = socket / 2 ** 32;
    this.#shorts[place * ENTRY_SHORTS + EVENTS_SHORT] = events;
    this.#shorts[place * ENTRY_SHORTS + REVENTS_SHORT] = 0;
  }

  /** Returns false when the system has no memory for a larger array. */
  #grow(): boolean {
    const old = this.#region;
    const oldWords = this.#words;
    const region = this.#parts.platform.memory.allocate(old.buffer.byteLength * 2);
    if (region === null) return false;
    this.#region = region;
    this.#shorts = new Int16Array(this.#region.buffer);
    this.#words = new Uint32Array(this.#region.buffer);
    this.#words.set(oldWords);
    this.#parts.platform.memory.release(old.address);
    return true;
  }

  /** Memory for the constructor, and how to give it back. Throws RangeError. */
  #takeMemory(byteLength: number, undo: (() => void)[]): NativeRegion {
    const { memory } = this.#parts.platform;
    const region = memory.allocate(byteLength);
    if (region === null) throw new RangeError(`Cannot take ${byteLength} bytes for the poll set: out of memory`);
    undo.push(() => memory.release(region.address));
    return region;
  }

  /** A non-blocking datagram socket on loopback. */
  #openWakeSocket(): number {
    const { platform, counters, scratch } = this.#parts;
    const { ws2_32 } = platform;
    const socket = openUdpSocket(this.#parts, 4);
    try {
      bindSocket(this.#parts, socket, loopback(4), 0);
      setNonBlocking(this.#parts, socket);
      scratch.view.setInt32(64, sockaddr_in.size, true);
      counters.syscalls.getsockname++;
      checkWinsock(ws2_32.getsockname(socket, scratch.address, scratch.address + 64), ws2_32, 'getsockname');
    } catch (error) {
      discardSocket(this.#parts, socket);
      throw error;
    }
    return socket;
  }

  /**
   * Lays out what WSASendTo and WSARecv on the wake-up socket need, in memory of its own: the wake-up is also sent at
   * process exit, whatever the scratch page is used for then. WSABUF, one byte, a count, flags, and the address.
   */
  #fillWakeCall(): number {
    const { address, buffer } = this.#wakeAddress;
    const view = new DataView(buffer);
    view.setUint32(WSABUF.len, 1, true);
    view.setUint32(WSABUF.buf, (address + BYTE_AT) % 2 ** 32, true);
    view.setUint32(WSABUF.buf + 4, Math.floor((address + BYTE_AT) / 2 ** 32), true);
    new Uint8Array(buffer).set(this.#parts.scratch.bytes.subarray(0, sockaddr_in.size), ADDRESS_AT);
    return sockaddr_in.size;
  }

  #sendWakeUp(): void {
    const { platform, counters } = this.#parts;
    const { address } = this.#wakeAddress;
    counters.syscalls.WSASendTo++;
    const to = address + ADDRESS_AT;
    // It can fail only when its buffer is full of wake-ups already.
    platform.ws2_32.WSASendTo(this.#wakeSocket, address, 1, address + COUNT_AT, 0, to, this.#wakeLength, 0, 0);
  }

  #drainWakeSocket(): void {
    const { platform, counters } = this.#parts;
    const { address, buffer } = this.#wakeAddress;
    const flags = new Uint32Array(buffer, FLAGS_AT, 1);
    let result: number;
    do {
      flags[0] = 0;
      counters.syscalls.WSARecv++;
      result = platform.ws2_32.WSARecv(this.#wakeSocket, address, 1, address + COUNT_AT, address + FLAGS_AT, 0, 0);
    } while (result === 0);
  }
}

/** Bytes of the wake-up call's memory, and the offsets in it, behind the WSABUF. */
const WAKE_CALL_SIZE = 64;
const BYTE_AT = 16;
const COUNT_AT = 20;
const FLAGS_AT = 24;
const ADDRESS_AT = 32;
