/**
 * What tells the handles of one PAL from those of another: a number that each PAL gets when it is made.
 *
 *   handle:     13 bits PAL │ 20 bits generation │ 20 bits index      53 bits, which is what a JavaScript number keeps
 *   post:       13 bits PAL │ 40 bits count                           what onRemotePost returns
 *   operation:   4 bits PAL │ 27 bits count, negated                  V8's small integers have no more
 *
 * The first PAL of the main thread has number 0, so its handles stay small. Threads of one process begin far apart, since
 * handles are also passed from thread to thread (RemoteLoop). The numbers come round after 8192 PALs of a thread, and in the
 * names of operations after 16: within that distance a foreign one is always recognised.
 *
 * A simulated network numbers its PALs itself, from its seed on: a run must not depend on the PALs that the process has made
 * before. So networks of one seed give equal handles, and those of different seeds nearly never.
 */
import { threadId } from 'node:worker_threads';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { shown } from './shown.ts';
import { NetworkError } from '../pal/network-error.ts';

/** Bits of a handle that are the index; the generation is above, and the PAL's number on top. */
export const INDEX_BITS = 20;
/** Different numbers of PALs: what a handle's 13 bits keep. */
const PALS = 2 ** 13;
/** Distance between the first numbers of two threads, or seeds: odd, so that 8192 begin at different ones; PALS / 1.618. */
const STRIDE = 5063;
/** What seeds begin at: as far as can be from what threads of the same number begin at. */
const FIRST_OF_SEEDS = PALS / 2;
/** What a handle, or the number of a post, is divided by to get its PAL. */
export const PAL_UNIT = 2 ** 40;
/** Bits of an operation's name that count. */
const OPERATION_BITS = 27;
/** Different numbers of PALs in the names of operations. */
const OPERATION_PALS = 2 ** 4;
/** Names of operations that one PAL gives out before they come round. */
export const LAST_OPERATION_COUNT = 2 ** OPERATION_BITS - 1;

/** Counts for all copies of this module in a thread: a bundle and node_modules may bring one each. */
const COUNTER = Symbol.for('iocp-pal.palsMade');
const counted = globalThis as { [COUNTER]?: number };

export function nextPalNumber(): number {
  const made = counted[COUNTER] ?? 0;
  counted[COUNTER] = made + 1;
  return (threadId * STRIDE + made) % PALS;
}

/**
 * The number of a PAL on a simulated network.
 * @param seed of the network, any integer
 * @param made PALs that the network has numbered before
 */
export function simulatedPalNumber(seed: number, made: number): number {
  return (FIRST_OF_SEEDS + ((seed >>> 0) % PALS) * STRIDE + made) % PALS;
}

/** The first number of what a PAL's posts are called. */
export function firstPostOf(pal: number): number {
  return pal * PAL_UNIT;
}

/**
 * What is added to the count of an operation before it is negated: small for the first PALs. A shift, since V8 makes a small integer of its
 * result: that of a product with a power stays a number in memory of its own, and so does every sum with it.
 */
export function operationBase(pal: number): number {
  return (pal % OPERATION_PALS) << OPERATION_BITS;
}

/** The same number, as a small integer of V8's where it is one: what was computed with larger ones takes 16 bytes wherever it is kept. */
export function compact(number: number): number {
  return number === (number | 0) ? number | 0 : number;
}

/** The number is one that a PAL can have. */
export function isPalNumber(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < PALS;
}

/** The number (a safe integer, not negative) is one that another PAL numbers its posts with. */
export function isForeignPost(pal: number, id: number): boolean {
  return Math.floor(id / PAL_UNIT) !== pal;
}

/** The same for handles: those begin with generation 1, so that what is smaller is nobody's. */
export function isForeignHandle(pal: number, handle: number): boolean {
  return handle >= 2 ** INDEX_BITS && isForeignPost(pal, handle);
}

/** The name of an operation, -1 … -(2^31 - 1), is another PAL's. */
export function isForeignOperation(pal: number, name: number): boolean {
  return -name >>> OPERATION_BITS !== pal % OPERATION_PALS;
}

/** A handle, or the name of an operation, that another PAL has given out. */
export function foreignHandle(value: number): NetworkError {
  return new NetworkError(
    `Cannot use handle ${shown(value)}: another PAL has given it out. Pass it to the PAL that it came from; ` +
      'transfer() and receiveTransfer() move a connection from one PAL to another',
    { kind: NetworkErrorCode.ConnectionClosed, code: 'ERR_FOREIGN_HANDLE' },
  );
}
