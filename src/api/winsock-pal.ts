/**
 * A PAL is put together from one class for each group of calls. The groups share a CallContext; a group by itself works too.
 *
 * Their methods are copied to one prototype, so that no call takes a detour: where each was a closure of its group, a round trip
 * cost 2 to 4 % more (npm run bench -- overhead).
 */
import type { NetworkPal } from '../pal/network-pal.ts';
import type { PalOptions } from '../runtime/pal-options.ts';
import { CallContext, CallGroup } from './call-context.ts';
import { DatagramCalls } from './datagram-calls.ts';
import { LoopCalls } from './loop-calls.ts';
import { PalCalls } from './pal-calls.ts';
import { ReadinessCalls } from './readiness-calls.ts';
import { SendFileCalls } from './send-file-calls.ts';
import { SocketCalls } from './socket-calls.ts';
import { StreamCalls } from './stream-calls.ts';

const GROUPS = [PalCalls, SocketCalls, StreamCalls, ReadinessCalls, SendFileCalls, DatagramCalls, LoopCalls] as const;

/** What has the members of each type in a union. */
type AllOf<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? { [Name in keyof All]: All[Name] }
  : never;

class WinsockPal extends CallGroup {}

for (const { prototype } of GROUPS) {
  const { constructor: _, ...methods } = Object.getOwnPropertyDescriptors(prototype);
  Object.defineProperties(WinsockPal.prototype, methods);
}

/** @param options from readPalOptions */
export function makeWinsockPal(options: PalOptions): NetworkPal {
  return assemblePal(new CallContext(options));
}

export function assemblePal(calls: CallContext): NetworkPal {
  // By way of what the groups have, and not of NetworkPal itself: so TypeScript sees it when a call is missing.
  const pal: object = new WinsockPal(calls);
  return pal as AllOf<InstanceType<(typeof GROUPS)[number]>>;
}
