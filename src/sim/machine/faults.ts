/**
 * Calls and operations that fail although nothing is wrong with the network: at random, by the seed, or by plan.
 *
 * The codes are those that Microsoft's page of each call lists and that can happen to a correct caller; the statuses are
 * those that the same failures have in a packet.
 */
import {
  STATUS_CANCELLED,
  STATUS_CONNECTION_ABORTED,
  STATUS_CONNECTION_REFUSED,
  STATUS_CONNECTION_RESET,
  STATUS_HOST_UNREACHABLE,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_IO_TIMEOUT,
  STATUS_NETWORK_UNREACHABLE,
  STATUS_PORT_UNREACHABLE,
  STATUS_TOO_MANY_OPENED_FILES,
} from '../../../ffi/ntstatus.ts';
import {
  ERROR_ACCESS_DENIED,
  ERROR_INVALID_PARAMETER,
  ERROR_IO_DEVICE,
  ERROR_NOT_FOUND,
  ERROR_NO_SYSTEM_RESOURCES,
  ERROR_TOO_MANY_OPEN_FILES,
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAEMFILE,
  WSAENETDOWN,
  WSAENETRESET,
  WSAEHOSTUNREACH,
  WSAENETUNREACH,
  WSAENOBUFS,
  WSAENOTCONN,
  WSAEOPNOTSUPP,
  WSAETIMEDOUT,
  WSAEADDRINUSE,
} from '../../../ffi/wsa-errors.ts';
import type { IoKind, SharedNetwork } from './machine.ts';

/** What each call may fail with at once. */
export const CALL_FAULTS = {
  AcceptEx: [WSAECONNRESET, WSAENOBUFS],
  // It finds nothing, although the operation is under way and goes on: just then the system was at work on it.
  CancelIoEx: [ERROR_NOT_FOUND],
  ConnectEx: [WSAENOBUFS, WSAENETUNREACH, WSAENETDOWN],
  DisconnectEx: [WSAENOTCONN, WSAENOBUFS],
  CreateEventW: [ERROR_NO_SYSTEM_RESOURCES],
  CreateIoCompletionPort: [ERROR_NO_SYSTEM_RESOURCES],
  PostQueuedCompletionStatus: [ERROR_NO_SYSTEM_RESOURCES],
  WSADuplicateSocketW: [WSAEMFILE, WSAENOBUFS, WSAENETDOWN],
  SetFileCompletionNotificationModes: [ERROR_INVALID_PARAMETER],
  WSAIoctl: [WSAENETDOWN],
  WSARecv: [WSAENOBUFS, WSAENETDOWN, WSAECONNRESET, WSAECONNABORTED, WSAENETRESET, WSAETIMEDOUT],
  TransmitFile: [WSAENOBUFS, WSAENETDOWN, WSAECONNRESET, WSAECONNABORTED, WSAENETRESET, WSAENOTCONN],
  WSARecvFrom: [WSAENOBUFS, WSAENETDOWN, WSAECONNRESET, WSAENETRESET],
  WSASend: [WSAENOBUFS, WSAENETDOWN, WSAECONNRESET, WSAECONNABORTED, WSAENETRESET],
  WSASendTo: [WSAENOBUFS, WSAENETDOWN, WSAECONNRESET, WSAENETRESET, WSAEHOSTUNREACH],
  WSASocketW: [WSAEMFILE, WSAENOBUFS, WSAENETDOWN],
  // Not calls of ours but node:fs's, which reports them under its own words.
  'fs.open': [ERROR_TOO_MANY_OPEN_FILES, ERROR_ACCESS_DENIED],
  'fs.read': [ERROR_IO_DEVICE],
  bind: [WSAEADDRINUSE, WSAENOBUFS, WSAENETDOWN],
  getsockname: [WSAENETDOWN],
  listen: [WSAEADDRINUSE, WSAEMFILE, WSAENOBUFS],
  setsockopt: [WSAENETDOWN, WSAENOTCONN],
  shutdown: [WSAENETDOWN],
} as const;

/** What a packet may say, by operation. */
export const STATUS_FAULTS: Readonly<Record<IoKind, readonly number[]>> = {
  AcceptEx: [STATUS_CONNECTION_RESET, STATUS_INSUFFICIENT_RESOURCES, STATUS_TOO_MANY_OPENED_FILES],
  ConnectEx: [STATUS_CONNECTION_REFUSED, STATUS_HOST_UNREACHABLE, STATUS_NETWORK_UNREACHABLE, STATUS_IO_TIMEOUT],
  DisconnectEx: [STATUS_CONNECTION_RESET, STATUS_INSUFFICIENT_RESOURCES],
  WSARecv: [STATUS_CONNECTION_RESET, STATUS_CONNECTION_ABORTED, STATUS_IO_TIMEOUT, STATUS_INSUFFICIENT_RESOURCES],
  WSASend: [STATUS_CONNECTION_RESET, STATUS_CONNECTION_ABORTED, STATUS_INSUFFICIENT_RESOURCES],
  TransmitFile: [STATUS_CONNECTION_RESET, STATUS_CONNECTION_ABORTED, STATUS_INSUFFICIENT_RESOURCES],
  WSARecvFrom: [STATUS_PORT_UNREACHABLE, STATUS_INSUFFICIENT_RESOURCES],
  WSASendTo: [STATUS_HOST_UNREACHABLE, STATUS_INSUFFICIENT_RESOURCES],
};

/** Failures that leave the connection as it is. */
const HARMLESS = new Set<number>([
  WSAENOBUFS,
  WSAENETDOWN,
  WSAEOPNOTSUPP,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_CANCELLED,
]);

export type FaultyCall = keyof typeof CALL_FAULTS;

/** What a process waits with. These fail by plan only: a wait that has failed ends a loop. */
export type WaitCall = 'GetQueuedCompletionStatusEx' | 'WaitForSingleObject';

/**
 * One failure at a certain place: the nth use of a call (from 1), or the nth packet of an operation.
 * `lasting`: all later uses of the call fail too.
 */
export type PlannedFault =
  | { readonly call: FaultyCall | WaitCall; readonly nth: number; readonly code: number; readonly lasting?: boolean }
  | { readonly operation: IoKind; readonly nth: number; readonly status: number };

/** What fails beside what a network makes fail. */
export interface FaultOptions {
  /** One in so many calls fails at once. Default: none. */
  calls?: number | undefined;
  /** One in so many calls of node:fs fails. Default: none. */
  files?: number | undefined;
  /** One in so many operations completes with an error. Default: none. */
  operations?: number | undefined;
  /** One in so many send operations takes less than it was given, and says so. Default: none. */
  shortSends?: number | undefined;
  /** One in so many packets comes twice, as with a provider that ignores the skip mode. Default: none. */
  duplicates?: number | undefined;
  /** One in so many moments at which the waiter thread may die is its end. Default: none. */
  threads?: number | undefined;
  /** Failures at certain places. Default: none. */
  plan?: readonly PlannedFault[] | undefined;
}

export class Faults {
  readonly #network: SharedNetwork;
  readonly #options: FaultOptions;
  readonly #counts = new Map<string, number>();
  /** False while nothing may fail at random. */
  enabled = true;
  /** Failures of the plan that have happened: an operation that succeeds at once never meets the fault of its packet. */
  met = 0;

  constructor(network: SharedNetwork, options: FaultOptions) {
    this.#network = network;
    this.#options = options;
  }

  /** The code that this use of a call fails with, or 0. */
  call(call: FaultyCall): number {
    const planned = this.#planned((fault) => 'call' in fault && fault.call === call, call);
    if (planned !== undefined && 'code' in planned) return planned.code;
    const { calls, files } = this.#options;
    if (!this.#happens(call.startsWith('fs.') ? files : calls)) return 0;
    const codes = CALL_FAULTS[call];
    return codes[this.#network.choices.pick(codes.length)] ?? 0;
  }

  /** The code that this wait fails with, or 0. */
  wait(call: WaitCall): number {
    const planned = this.#planned((fault) => 'call' in fault && fault.call === call, call);
    return planned !== undefined && 'code' in planned ? planned.code : 0;
  }

  /** The status that an operation completes with instead of success, or 0. */
  status(kind: IoKind): number {
    const planned = this.#planned((fault) => 'operation' in fault && fault.operation === kind, `packet of ${kind}`);
    if (planned !== undefined && 'status' in planned) return planned.status;
    if (!this.#happens(this.#options.operations)) return 0;
    const statuses = STATUS_FAULTS[kind];
    return statuses[this.#network.choices.pick(statuses.length)] ?? 0;
  }

  shortens(): boolean {
    return this.#happens(this.#options.shortSends);
  }

  /** The waiter thread dies at this moment. */
  kills(): boolean {
    return this.#happens(this.#options.threads);
  }

  duplicates(): boolean {
    return this.#happens(this.#options.duplicates);
  }

  /** A connection does not survive this code or status. */
  breaks(code: number): boolean {
    return !HARMLESS.has(code);
  }

  #happens(oneIn: number | undefined): boolean {
    return oneIn !== undefined && this.enabled && this.#network.choices.pick(oneIn) === oneIn - 1;
  }

  #planned(matches: (fault: PlannedFault) => boolean, counter: string): PlannedFault | undefined {
    const { plan } = this.#options;
    if (plan === undefined) return undefined;
    const count = (this.#counts.get(counter) ?? 0) + 1;
    this.#counts.set(counter, count);
    const found = plan.find((fault) => {
      const lasts = 'lasting' in fault && fault.lasting;
      const isNow = lasts ? count >= fault.nth : fault.nth === count;
      return isNow && matches(fault);
    });
    if (found !== undefined) this.met++;
    return found;
  }
}
