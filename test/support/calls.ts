/**
 * The tables of Win32 functions under observation: which calls were made with what, and calls that fail because the test
 * says so.
 */
import type { Platform } from '../../src/index.ts';

/** One call that was made. */
export interface Call {
  readonly name: string;
  readonly args: readonly number[];
  readonly result: number;
}

/** A call that a test may answer itself. */
export interface Interception {
  readonly args: readonly number[];
  /** Makes the call. */
  readonly real: () => number;
  /** Does not make it: the result, and what GetLastError and WSAGetLastError say next. */
  readonly fail: (code: number, result?: number) => number;
}

/** By name of the function: what answers in its place. */
export type Overrides = Readonly<Partial<Record<string, (call: Interception) => number>>>;

type NumericFunction = (...args: number[]) => number;

export interface ObservedPlatform extends Platform {
  /** Every call, in order, but for the ones that only ask for the last error. */
  readonly calls: readonly Call[];
  callsOf(name: string): Call[];
}

/** A platform on top of another. Its waiter's own calls are not seen. */
export function withCalls(platform: Platform, overrides: Overrides = {}): ObservedPlatform {
  const calls: Call[] = [];
  let forced: number | null = null;

  const observe = (name: string, real: NumericFunction): NumericFunction => {
    if (name === 'GetLastError' || name === 'WSAGetLastError') return () => forced ?? real();
    return (...args) => {
      forced = null;
      const override = overrides[name];
      const fail = (code: number, result = -1): number => {
        forced = code;
        return result;
      };
      const result = override === undefined ? real(...args) : override({ args, real: () => real(...args), fail });
      calls.push({ name, args, result });
      return result;
    };
  };
  const observeTable = <Table extends object>(table: Table): Table =>
    Object.fromEntries(
      Object.entries(table).map(([name, value]) => [name, observe(name, value as NumericFunction)]),
    ) as Table;

  return {
    ...platform,
    kernel32: observeTable(platform.kernel32),
    ws2_32: observeTable(platform.ws2_32),
    mswsock: {
      ...platform.mswsock,
      AcceptEx: (pointer) => observe('AcceptEx', platform.mswsock.AcceptEx(pointer)),
      ConnectEx: (pointer) => observe('ConnectEx', platform.mswsock.ConnectEx(pointer)),
      DisconnectEx: (pointer) => observe('DisconnectEx', platform.mswsock.DisconnectEx(pointer)),
      TransmitFile: (pointer) => observe('TransmitFile', platform.mswsock.TransmitFile(pointer)),
      GetAcceptExSockaddrs: (pointer) =>
        observe('GetAcceptExSockaddrs', platform.mswsock.GetAcceptExSockaddrs(pointer) as unknown as NumericFunction),
    },
    calls,
    callsOf: (name) => calls.filter((call) => call.name === name),
  };
}
