/** The calls of iocp-pal/promises on a simulated machine whose time nobody has to move. */
import { createNetworkPal, type NetworkPal } from '../index.ts';
import { networkOver, type Network } from '../promises/index.ts';
import {
  simulatePlatform,
  type SimulatedNetwork,
  type SimulatedPlatform,
  type SimulationOptions,
} from '../sim/index.ts';
import { requireInteger, wrongType } from '../util/validate.ts';
import { resolverOf, type Hosts } from './hosts.ts';

/** Options of simulate. */
export interface SimulateOptions extends SimulationOptions {
  /**
   * The addresses of names, for connect(): `{ 'db.test': ['192.0.2.1', '127.0.0.1'] }`. 'localhost' has 127.0.0.1 and ::1, and no
   * other name has any.
   */
  hosts?: Hosts | undefined;
}

/** What simulate() returns: a Network, whose calls need no `this`. */
export interface Simulation extends Network {
  /** The PAL below it: `pal.stats()`, `pal.describe()`. */
  readonly pal: NetworkPal;
  /** The process that it is in: its files, and its network with the trace. */
  readonly platform: SimulatedPlatform;
  /** The simulated time in milliseconds. Where it begins means nothing. */
  readonly now: () => number;
  /** Resolves so many simulated milliseconds later, 0 … 2^31 - 1, which takes no real time. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Ends the simulation: servers and sockets are closed, connections reset. One that is left open holds nothing but memory. */
  readonly close: () => Promise<void>;
  /** close(), for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const MAX_MS = 2 ** 31 - 1;
/** More than a busy test takes (an echo of a message takes about ten): still an end, for what goes round in circles. */
const MAX_STEPS = 1_000_000;
/** Bytes that a socket may queue: as those of sharedPal(), on which the promises stand on Windows. */
const QUEUE_BYTES = 2 ** 30;

/** Networks that go on by themselves. */
const driven = new WeakSet<SimulatedNetwork>();

/**
 * listen(), connect() and bindUdp() on a simulated Windows, which goes on by itself: await its calls, and nothing else. The seed decides
 * what a real system leaves open. Time leaps to the next timer when nothing else can happen, so a timeout of a minute takes
 * none, and what waits for something real (a file, a timer of Node.js) waits while it passes.
 * @throws TypeError or RangeError for options that make no sense.
 */
export function simulate(given: SimulateOptions = {}): Simulation {
  requireOptions(given);
  const { hosts = {}, ...options } = given;
  const platform = simulatePlatform({ keepAlive: true, maxSteps: MAX_STEPS, ...options });
  const { network, scheduler } = platform;
  if (!driven.has(network)) network.drive(Infinity);
  driven.add(network);
  const pal = createNetworkPal({ platform, maxQueuedBytesPerSocket: QUEUE_BYTES });
  pal.initialize();
  const running = pal.runEventLoop();
  running.catch(() => undefined); // close() tells
  const { listen, connect, bindUdp, allocateBuffer } = networkOver(pal, scheduler);
  const resolver = resolverOf(hosts);
  /** Closes each thing that was made, so that loops over servers and sockets end in order. */
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closers.splice(0).map((closeOne) => closeOne()));
    await pal.stopEventLoop();
    await running;
  };
  return {
    pal,
    platform,
    async listen(options) {
      const server = await listen(options);
      closers.push(() => server.close({ timeout: 0 }));
      return server;
    },
    async connect(to) {
      // What is no object is connect()'s to refuse.
      const isObject = typeof to === 'object' && (to as unknown) !== null;
      const connection = await connect(isObject ? { ...to, lookup: to.lookup ?? resolver } : to);
      closers.push(() => connection.reset());
      return connection;
    },
    async bindUdp(options) {
      const socket = await bindUdp(options);
      closers.push(() => socket.close());
      return socket;
    },
    allocateBuffer,
    now: () => scheduler.now(),
    sleep(ms) {
      requireInteger('ms', ms, 0, MAX_MS);
      return new Promise((resolve) => {
        scheduler.setTimer(ms, resolve, true);
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function requireOptions(given: unknown): void {
  if (typeof given !== 'object' || given === null) throw wrongType('options', 'an object', given);
  const { seed, hosts } = given as Record<string, unknown>;
  if (seed !== undefined) requireInteger('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if (hosts === undefined) return;
  if (typeof hosts !== 'object' || hosts === null) throw wrongType('hosts', 'an object of names and addresses', hosts);
  for (const [name, addresses] of Object.entries(hosts)) {
    const isList = Array.isArray(addresses) && addresses.every((address) => typeof address === 'string');
    if (!isList) throw wrongType(`hosts['${name}']`, 'an array of addresses', addresses);
  }
}
