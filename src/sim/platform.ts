/** One simulated process: its memory, its handles, its turns, and the Win32 tables that a backend is given. */
import { STATUS_CANCELLED } from '../../ffi/ntstatus.ts';
import { WSAENOTSOCK } from '../../ffi/wsa-errors.ts';
import type {
  EventWaiterParts,
  Platform,
  WaiterKind,
  PortWaiter,
  Scheduler,
  ThreadEnd,
  WaiterParts,
} from '../platform/platform.ts';
import { Faults, type FaultOptions, type WaitCall } from './machine/faults.ts';
import type { SimulatedHandle, SimulatedProcess } from './machine/machine.ts';
import { PROFILES, type Profile, type ProfileName } from './machine/profile.ts';
import { SimulationError } from './machine/simulation-error.ts';
import { Step } from './schedule/agenda.ts';
import { SimulatedFiles } from './memory/files.ts';
import { SimulatedMemory } from './memory/memory.ts';
import { AcceptMatcher } from './kernel/accept-matcher.ts';
import type { Packet } from './kernel/completion-port.ts';
import { Ledger, type Io } from './kernel/io.ts';
import { SimulatedSocket } from './kernel/socket.ts';
import { TransmitQueue } from './kernel/transmit-queue.ts';
import { SimulatedKernel32 } from './win32/kernel32.ts';
import { SimulatedMswsock } from './win32/mswsock.ts';
import { traced } from './win32/traced.ts';
import { SimulatedWs2_32 } from './win32/ws2_32.ts';
import { createEventWaiter } from './wait/event-waiter.ts';
import { createThreadWaiter } from './wait/thread-waiter.ts';
import { SimulatedWaiter } from './wait/waiter.ts';
import type { SimulatedNetwork } from './network.ts';
import { ProcessLife } from './process-life.ts';

/** Options of a simulated process. */
export interface PlatformOptions {
  /** Whose behaviour to show where Windows and Wine differ. Default 'windows'. */
  profile?: ProfileName | undefined;
  /** Calls and operations that fail. Default: none but those that a network makes fail. */
  faults?: FaultOptions | undefined;
  /** Bytes of a connection's kernel buffer for sending. Default: the profile's. */
  sendBufferSize?: number | undefined;
  /** Bytes of a connection's kernel buffer for receiving. Default: the profile's. */
  receiveBufferSize?: number | undefined;
  /** Something else keeps the process alive, so it never goes idle. Default false. */
  keepAlive?: boolean | undefined;
  /** The TCP provider has no real file handles (a layered service provider). Default false. */
  layeredProvider?: boolean | undefined;
}

/** Handles that a process may have open. */
const MAX_HANDLES = 65536;
const FIRST_HANDLE = 0x1c0;
/** Ids of processes, as on Windows multiples of 4. */
const FIRST_PROCESS_ID = 0x400;

/** One simulated process: createNetworkPal takes it as its platform. */
export class SimulatedPlatform implements Platform, SimulatedProcess {
  readonly network: SimulatedNetwork;
  readonly profile: Profile;
  readonly memory = new SimulatedMemory();
  readonly kernel32: Platform['kernel32'];
  readonly ws2_32: Platform['ws2_32'];
  readonly mswsock: Platform['mswsock'];
  readonly scheduler: Scheduler;
  readonly threadEnd: ThreadEnd;
  readonly files: SimulatedFiles;
  readonly faults: Faults | null;
  readonly ledger: Ledger;
  readonly transmits: TransmitQueue;
  readonly accepts: AcceptMatcher;
  readonly name: string;
  readonly processId: number;
  readonly layeredProvider: boolean;
  #hasLostPort = false;
  /** Waiter threads that have died. */
  waitersLost = 0;
  /** Threads that wait for an event, and have died. */
  eventWaitersLost = 0;
  sendBufferSize: number;
  receiveBufferSize: number;
  lastError = 0;
  readonly #life: ProcessLife;
  readonly #handles = new Map<number, SimulatedHandle>();
  readonly #freeNumbers: number[] = [];

  constructor(network: SimulatedNetwork, index: number, options: PlatformOptions) {
    this.network = network;
    this.name = `process ${index}`;
    this.processId = FIRST_PROCESS_ID + 4 * index;
    this.profile = PROFILES[options.profile ?? 'windows'];
    this.sendBufferSize = options.sendBufferSize ?? this.profile.sendBufferSize;
    this.receiveBufferSize = options.receiveBufferSize ?? this.profile.receiveBufferSize;
    this.layeredProvider = options.layeredProvider ?? false;
    this.faults = options.faults === undefined ? null : new Faults(network, options.faults);
    this.transmits = new TransmitQueue(this.profile.transmitsAtOnce);
    this.ledger = new Ledger(this.memory, options.faults?.duplicates !== undefined);
    this.accepts = new AcceptMatcher(this);
    this.#life = new ProcessLife(network, this.name, options.keepAlive ?? false);
    this.scheduler = this.#life.scheduler;
    this.threadEnd = { watch: (callback) => this.#life.onEnd(callback), pause: () => void network.step() };
    this.files = new SimulatedFiles(this);
    const kernel32 = new SimulatedKernel32(this);
    const ws2_32 = new SimulatedWs2_32(this);
    const mswsock = new SimulatedMswsock(this);
    this.kernel32 = traced(this, 'kernel32', kernel32);
    this.ws2_32 = traced(this, 'ws2_32', ws2_32);
    this.mswsock = traced(this, 'mswsock', mswsock);
  }

  numberPal(): number {
    return this.network.numberPal();
  }

  createWaiter(kind: WaiterKind, parts: WaiterParts): PortWaiter {
    return kind === 'worker' ? createThreadWaiter(this, parts) : new SimulatedWaiter(this, parts);
  }

  createEventWaiter(parts: EventWaiterParts): PortWaiter {
    return createEventWaiter(this, parts);
  }

  onIdle(callback: () => void): () => void {
    return this.#life.onIdle(callback);
  }

  /** The process ends: its PALs are told, and V8 frees what it owns. Throws when the kernel has some of that. */
  end(): void {
    this.#life.end();
    for (const io of this.ledger) {
      if (io.done || !io.lent().some(({ region }) => this.memory.isCollected(region))) continue;
      throw new SimulationError(`V8 frees memory that the kernel has: ${io.slot}`);
    }
    this.memory.endThread();
  }

  /** One thing more (1) or less (-1) that keeps the process alive. */
  hold(change: 1 | -1): void {
    this.#life.hold(change);
  }

  /** Something beside the PAL keeps the process alive. */
  get keepAlive(): boolean {
    return this.#life.keepAlive;
  }

  set keepAlive(value: boolean) {
    this.#life.keepAlive = value;
  }

  /** Lets one thing happen in the whole network. */
  step(): boolean {
    return this.network.step();
  }

  run(until?: () => boolean): void {
    this.network.run(until);
  }

  settle(until?: () => boolean): Promise<void> {
    return this.network.settle(until);
  }

  /** Sockets open at this moment. */
  get openSockets(): number {
    let count = 0;
    for (const handle of this.#handles.values()) if (handle instanceof SimulatedSocket) count++;
    return count;
  }

  /** Handles of any kind open at this moment. */
  get openHandles(): number {
    return this.#handles.size;
  }

  /** A handle's number: that of the handle closed last, as on Windows, or a new one. 0 when there are too many. */
  takeNumber(): number {
    const free = this.#freeNumbers.pop();
    if (free !== undefined) return free;
    return this.#handles.size === MAX_HANDLES ? 0 : FIRST_HANDLE + this.#handles.size * 4;
  }

  addHandle(handle: SimulatedHandle, number = handle.number): void {
    this.#handles.set(number, handle);
  }

  removeHandle(number: number): void {
    this.#handles.delete(number);
    this.#freeNumbers.push(number);
  }

  handle(number: number): SimulatedHandle | undefined {
    return this.#handles.get(number);
  }

  /** The socket of a number, or null with WSAENOTSOCK as the last error. */
  socket(number: number): SimulatedSocket | null {
    const found = this.#handles.get(number);
    if (found instanceof SimulatedSocket) return found;
    this.lastError = WSAENOTSOCK;
    return null;
  }

  /** An operation has its outcome: its packet is queued, now or a little later. */
  finish(io: Io, status: number, bytes: number): void {
    io.verify();
    io.write(status, bytes);
    const { port, event } = io;
    if (event !== null) {
      this.ledger.giveBack(io);
      this.network.note(() => `${this.name}: ${io.slot} is done, status 0x${status.toString(16)}, and sets its event`);
      event.set();
      return;
    }
    if (port === null) {
      this.ledger.giveBack(io);
      return;
    }
    if (this.#hasLostPort) this.ledger.giveBack(io);
    const packet: Packet = { key: io.key, overlapped: io.overlapped, status, bytes, io };
    this.network.note(() => `${this.name}: ${io.slot} is done, status 0x${status.toString(16)}, ${bytes} bytes`);
    if (this.network.rarely()) this.network.agenda.add(new Step('packet is queued', () => port.push(packet)));
    else port.push(packet);
  }

  /** CancelIoEx does not find the operation, although it is under way and goes on. Not twice: it is a matter of a moment. */
  missesCancel(io: Io): boolean {
    if (!this.profile.cancelMissesSends || io.wasMissed) return false;
    if (io.kind !== 'WSASend' && io.kind !== 'TransmitFile') return false;
    io.wasMissed = this.network.maybe();
    return io.wasMissed;
  }

  /** CancelIoEx on one operation: it takes effect now, or so much later that the operation may succeed first. */
  cancel(io: Io): void {
    if (this.network.maybe()) this.network.agenda.add(new Step('cancel takes effect', () => this.#cancelNow(io)));
    else this.#cancelNow(io);
  }

  /**
   * Wine: closesocket with a WSASend pending does not cancel it. The operation knows its socket by number only, and goes
   * on with whatever socket has that number by then; without one it ends when nobody can take its bytes any more.
   */
  strand(io: Io): void {
    const step = new Step('stranded send goes on', () => {
      if (io.done) return; // a cancel that took its time came first
      const takenOverBy = this.#handles.get(io.socket.number);
      const end = takenOverBy instanceof SimulatedSocket ? takenOverBy.end : null;
      if (end !== null) {
        io.takenOverBy = end;
        end.sends.push(io);
        end.serveSends();
      } else this.finish(io, STATUS_CANCELLED, 0);
    });
    this.network.agenda.add(step);
  }

  /** The code that a wait fails with at this moment, or 0. */
  waitFault(call: WaitCall): number {
    const code = this.faults?.wait(call) ?? 0;
    if (code === 0) return 0;
    this.#hasLostPort = true;
    this.ledger.giveBackDone();
    return code;
  }

  /** The connection of a DisconnectEx is over. */
  disconnected(io: Io): void {
    const { socket } = io;
    socket.disconnect = null;
    const status = this.faults?.status('DisconnectEx') ?? 0;
    const broken = socket.end?.broken ?? 0;
    if (status === 0 && broken === 0) socket.becomeFresh();
    this.finish(io, status === 0 ? broken : status, 0);
  }

  /** closesocket, whatever the socket has become. Its number is free already. */
  closeSocket(socket: SimulatedSocket): void {
    this.network.portsOf(socket).unbind(socket);
    socket.udp?.close();
    // The AcceptEx of an accept socket ends with it.
    if (socket.accept !== null) this.#cancelNow(socket.accept);
    if (socket.listener !== null) this.accepts.close(socket.listener);
    socket.attempt?.abandon(STATUS_CANCELLED);
    // "Does not enable previously set properties or options until SO_UPDATE_CONNECT_CONTEXT is set": SO_LINGER neither.
    socket.end?.close(socket.lingerZero && !socket.contextMissing);
  }

  /** Hands SO_SNDBUF and SO_RCVBUF to a socket's connection. */
  applyBufferSizes(socket: SimulatedSocket): void {
    const { end } = socket;
    if (end === null) return;
    end.sendBufferSize = socket.sendBufferSize ?? this.sendBufferSize;
    end.receiveBufferSize = socket.receiveBufferSize ?? this.receiveBufferSize;
    end.update();
    end.peer.update();
  }

  #cancelNow(io: Io): void {
    if (io.done) return;
    const { socket } = io;
    if (io.kind === 'ConnectEx') return socket.attempt?.abandon(STATUS_CANCELLED);
    if (io.kind === 'DisconnectEx') {
      socket.disconnect = null;
      socket.end?.stay();
    } else if (io.kind === 'AcceptEx') remove(socket.listener?.accepts, io);
    else {
      remove(socket.end?.receives, io);
      remove((io.takenOverBy ?? socket.end)?.sends, io);
      remove(socket.udp?.receives, io);
      remove(socket.udp?.sends, io);
    }
    if (io.acceptSocket !== null) io.acceptSocket.accept = null;
    this.finish(io, STATUS_CANCELLED, 0);
    const sending = io.kind === 'WSASend' || io.kind === 'TransmitFile';
    if (sending && this.profile.cancelledSendMayBreak && this.network.maybe()) (io.takenOverBy ?? socket.end)?.abort();
    socket.end?.update();
    socket.udp?.update();
    if (socket.listener !== null) this.accepts.update(socket.listener);
  }
}

function remove(list: Io[] | undefined, io: Io): void {
  const place = list?.indexOf(io) ?? -1;
  if (place >= 0) list?.splice(place, 1);
}
