/**
 * What the parts of a simulation know of one another: the process that they belong to, and the network that processes share.
 *
 * The rooms of src/sim, each of which imports only those before it:
 *
 *   schedule  what may happen next, virtual time, and where decisions come from
 *   machine   which system is simulated (profile.ts), what fails in it (faults.ts), and these interfaces
 *   memory    native memory and files
 *   kernel    what the system keeps: sockets, operations, completion ports, events
 *   win32     the calls: kernel32, ws2_32, mswsock
 *   wait      the waiters
 *   and, beside the folders, what puts them together: process-life, platform, network, index
 *
 * This file imports types of all of them, and any of them may import its types: the one way in which an earlier room knows of a
 * later one. .config/rooms.js keeps it so.
 */
import type { Faults, WaitCall } from './faults.ts';
import type { Profile } from './profile.ts';
import type { Agenda } from '../schedule/agenda.ts';
import type { Choices } from '../schedule/choices.ts';
import type { Clock } from '../schedule/clock.ts';
import type { PacketLoss } from '../schedule/packet-loss.ts';
import type { OpenFile } from '../memory/files.ts';
import type { SimulatedMemory } from '../memory/memory.ts';
import type { AcceptMatcher } from '../kernel/accept-matcher.ts';
import type { CompletionPort } from '../kernel/completion-port.ts';
import type { SimulatedEvent } from '../kernel/event.ts';
import type { Io, Ledger } from '../kernel/io.ts';
import type { PortRegistry } from '../kernel/port-registry.ts';
import type { SimulatedAddress } from '../kernel/sockaddr.ts';
import type { SimulatedSocket } from '../kernel/socket.ts';
import type { TransmitQueue } from '../kernel/transmit-queue.ts';
import type { Duplicate } from '../win32/duplicates.ts';

/** Overlapped operations that are simulated. */
export type IoKind =
  'WSARecv' | 'WSASend' | 'TransmitFile' | 'AcceptEx' | 'ConnectEx' | 'DisconnectEx' | 'WSARecvFrom' | 'WSASendTo';

/** What a handle of a process may be. */
export type SimulatedHandle = SimulatedSocket | CompletionPort | SimulatedEvent | OpenFile;

/** What happens to a SYN: it finds its way, nobody answers it, or a router says no. */
export type Route = 'ok' | 'silent' | 'unreachable';

/** A simulated process as its parts see it. The backend under test sees the same one as its Platform. */
export interface SimulatedProcess {
  readonly name: string;
  readonly processId: number;
  readonly network: SharedNetwork;
  readonly profile: Profile;
  readonly faults: Faults | null;
  readonly memory: SimulatedMemory;
  readonly ledger: Ledger;
  readonly transmits: TransmitQueue;
  readonly accepts: AcceptMatcher;
  /** The TCP provider has no real file handles. */
  readonly layeredProvider: boolean;
  /** Bytes that SO_SNDBUF and SO_RCVBUF stand for by default. */
  readonly sendBufferSize: number;
  readonly receiveBufferSize: number;
  lastError: number;
  /** Waiter threads that have died. */
  waitersLost: number;
  /** Threads that wait for an event, and have died. */
  eventWaitersLost: number;

  /** One thing more (1) or less (-1) that keeps the process alive. */
  hold(change: 1 | -1): void;
  /** A handle's number: that of the handle closed last, as on Windows, or a new one. 0 when there are too many. */
  takeNumber(): number;
  addHandle(handle: SimulatedHandle, number?: number): void;
  removeHandle(number: number): void;
  handle(number: number): SimulatedHandle | undefined;
  /** The socket of a number, or null with WSAENOTSOCK as the last error. */
  socket(number: number): SimulatedSocket | null;

  /** An operation has its outcome: its packet is queued, now or a little later. */
  finish(io: Io, status: number, bytes: number): void;
  /** CancelIoEx does not find the operation, although it is under way and goes on. */
  missesCancel(io: Io): boolean;
  /** CancelIoEx on one operation. */
  cancel(io: Io): void;
  /** closesocket leaves a pending send to whatever socket has its number next. */
  strand(io: Io): void;
  /** The code that a wait fails with at this moment, or 0. */
  waitFault(call: WaitCall): number;
  /** The connection of a DisconnectEx is over. */
  disconnected(io: Io): void;
  /** closesocket, whatever the socket has become. Its number is free already. */
  closeSocket(socket: SimulatedSocket): void;
  /** Hands SO_SNDBUF and SO_RCVBUF to a socket's connection. */
  applyBufferSizes(socket: SimulatedSocket): void;
}

/** The network that processes share, as their parts see it. */
export interface SharedNetwork {
  /** A test may replace them at any moment. */
  readonly choices: Choices;
  readonly agenda: Agenda;
  readonly clock: Clock;
  /** TCP's. */
  readonly ports: PortRegistry;
  readonly udpPorts: PortRegistry;
  readonly packetLoss: PacketLoss;
  readonly platforms: readonly SimulatedProcess[];
  /** Sockets on their way to another process; null once they were taken. */
  readonly duplicates: (Duplicate | null)[];
  readonly isTracing: boolean;

  /** True in some runs of something that a real system may do or not do. */
  maybe(): boolean;
  /** True less often. */
  rarely(): boolean;
  /** How many of `available` bytes arrive together. */
  piece(available: number): number;
  /** Where a SYN or a datagram to this address goes. */
  route(address: SimulatedAddress): Route;
  /** The ports of a socket's protocol. */
  portsOf(socket: SimulatedSocket): PortRegistry;
  /** Adds a line to the trace. */
  note(line: () => string): void;
  /** A place in the trace for a line whose end is not known yet. */
  reserve(): number;
  fill(place: number, line: () => string): void;
}
