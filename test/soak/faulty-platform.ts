/**
 * A platform whose calls fail now and then, with the codes that src/sim/machine/faults.ts has for them: the call is not made, and
 * the last error says why. And one that hits what is under way: a CancelIoEx that nobody asked for, whose packet says
 * ERROR_OPERATION_ABORTED, which nobody can tell from a driver or a filter that gave up.
 */
import { CALL_FAULTS } from '../../src/sim/machine/faults.ts';
import { Prng } from '../../src/sim/schedule/prng.ts';
import { SOCKET_ERROR } from '../../ffi/constants.ts';
import { ERROR_IO_PENDING } from '../../ffi/wsa-errors.ts';
import type { Platform } from '../../src/platform/platform.ts';

/** The calls that may fail, and what each returns then. */
const FAILURE_RESULTS: Readonly<Partial<Record<string, number>>> = {
  AcceptEx: 0,
  ConnectEx: 0,
  CreateIoCompletionPort: 0,
  SetFileCompletionNotificationModes: 0,
  TransmitFile: 0,
  WSAIoctl: SOCKET_ERROR,
  WSARecv: SOCKET_ERROR,
  WSARecvFrom: SOCKET_ERROR,
  WSASend: SOCKET_ERROR,
  WSASendTo: SOCKET_ERROR,
  WSASocketW: -1,
  bind: SOCKET_ERROR,
  getsockname: SOCKET_ERROR,
  listen: SOCKET_ERROR,
  setsockopt: SOCKET_ERROR,
  shutdown: SOCKET_ERROR,
};
/** The places of the OVERLAPPED in the calls whose operation may be cancelled under way. */
const OVERLAPPED_AT: Readonly<Partial<Record<string, number>>> = {
  TransmitFile: 4,
  WSARecv: 5,
  WSARecvFrom: 7,
  WSASend: 5,
  WSASendTo: 7,
};
const CODES: Readonly<Partial<Record<string, readonly number[]>>> = CALL_FAULTS;

type NumericFunction = (...args: number[]) => number;

export interface FaultyPlatform {
  /** The platform to make PALs with. */
  readonly platform: Platform;
  /** One in so many calls fails; 0: none. */
  oneIn: number;
  /** How often each call was made to fail, and how many operations were cancelled. */
  readonly injected: Record<string, number>;
}

/** Wraps a platform. Nothing fails until `oneIn` is set. */
export function faultyPlatform(platform: Platform, seed: number): FaultyPlatform {
  const prng = new Prng(seed);
  /** What GetLastError and WSAGetLastError say after a failure of ours; null: ask the system. */
  let forced: number | null = null;
  const count = (what: string): void => {
    faulty.injected[what] = (faulty.injected[what] ?? 0) + 1;
  };
  const strikes = (): boolean => faulty.oneIn > 0 && prng.next() % faulty.oneIn === 0;

  const wrap = (name: string, real: NumericFunction): NumericFunction => {
    if (name === 'GetLastError' || name === 'WSAGetLastError') return () => forced ?? real();
    const codes = CODES[name];
    const failure = FAILURE_RESULTS[name];
    const overlappedAt = OVERLAPPED_AT[name];
    return (...args) => {
      forced = null;
      if (codes !== undefined && failure !== undefined && strikes()) {
        count(name);
        forced = codes[prng.next() % codes.length] ?? 0;
        return failure;
      }
      const result = real(...args);
      if (overlappedAt !== undefined && (args[overlappedAt] ?? 0) !== 0 && strikes()) {
        // The last error is the caller's to read: kept, and said again.
        forced = result === failure ? platform.ws2_32.WSAGetLastError() : null;
        if (forced === ERROR_IO_PENDING && platform.kernel32.CancelIoEx(args[0] ?? 0, args[overlappedAt] ?? 0) !== 0) {
          count(`${name} cancelled`);
        }
      }
      return result;
    };
  };
  const wrapTable = <Table extends object>(table: Table): Table =>
    Object.fromEntries(
      functionsOf(table).map((name) => {
        const real = Reflect.get(table, name) as NumericFunction;
        return [name, wrap(name, real.bind(table))];
      }),
    ) as Table;

  const mswsock = over(platform.mswsock, {
    AcceptEx: (pointer: number) => wrap('AcceptEx', platform.mswsock.AcceptEx(pointer)),
    ConnectEx: (pointer: number) => wrap('ConnectEx', platform.mswsock.ConnectEx(pointer)),
    TransmitFile: (pointer: number) => wrap('TransmitFile', platform.mswsock.TransmitFile(pointer)),
  });
  const faulty: FaultyPlatform = {
    platform: over(platform, { kernel32: wrapTable(platform.kernel32), ws2_32: wrapTable(platform.ws2_32), mswsock }),
    oneIn: 0,
    injected: {},
  };
  return faulty;
}

/** An object with some of its members replaced. A proxy, since the simulated ones have private fields. */
function over<Target extends object>(target: Target, members: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, name): unknown {
      if (name in members) return Reflect.get(members, name);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

/** Names of a table's functions: the real tables are objects of functions, the simulated ones have methods. */
function functionsOf(table: object): string[] {
  const names = new Set<string>();
  for (let at = table; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== 'constructor' && typeof Reflect.get(table, name) === 'function') names.add(name);
    }
  }
  return [...names];
}
