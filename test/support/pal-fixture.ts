/**
 * A PAL per test, and the check that the test left nothing behind.
 *
 * After each test every socket that is still open is closed, and then nothing may be left: no operation in the kernel, no
 * socket, no slot, no file, no callback owed, no byte queued or pinned, no packet dropped. Otherwise the hook fails and prints
 * describe(), which names the lines of the test that made what is left.
 */
import type {
  AcceptCallback,
  AnyHandle,
  NetworkPal,
  NetworkStats,
  OperationOptions,
  PalOptions,
  ServerHandle,
} from '../../src/index.ts';
import type { Bed } from './beds.ts';
import { until } from './until.ts';

/** What testPal returns: valid inside hooks and tests. */
export interface PalFixture {
  readonly pal: NetworkPal;
  /**
   * What describe() says; after a test that failed, what it said when the test ended: hooks of the test run behind the
   * fixture's own, which has stopped the PAL by then.
   */
  describe(): string;
}

/** What must be zero at the end of a test, by name. */
function leftBehind(stats: NetworkStats, expectedPinned: number): Record<string, number> {
  const { receive, send, accept, connect } = stats.operations;
  const { sockets, servers, pendingCallbacks, queuedBytes, droppedPackets, openFiles } = stats;
  const all = {
    receive,
    send,
    accept,
    connect,
    sockets,
    servers,
    pendingCallbacks,
    queuedBytes,
    droppedPackets,
    openFiles,
  };
  const usedSlots = stats.slots - stats.freeSlots;
  const found = { ...all, usedSlots, pinnedBytes: stats.pinnedBytes - expectedPinned };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== 0));
}

/**
 * Gives the tests of the suite a PAL that is initialized and running, and checks after each that it ended clean.
 * @param options of the PAL; as a function, called for each PAL that is made
 */
export function testPal(bed: Bed, options: PalOptions | (() => PalOptions) = {}): PalFixture {
  return fixtureOf(bed, options, false);
}

/**
 * The same with one PAL for all tests of the suite, as long as they end clean: starting and ending a waiter thread takes
 * longer than most tests. For tests that do not count on counters that start at 0.
 */
export function sharedPal(bed: Bed, options: PalOptions = {}): PalFixture {
  return fixtureOf(bed, options, true);
}

function fixtureOf(bed: Bed, options: PalOptions | (() => PalOptions), shared: boolean): PalFixture {
  let current: Tracked | null = null;
  let atTheEnd = 'no PAL';

  beforeEach(() => {
    if (current !== null) return;
    const given = typeof options === 'function' ? options() : options;
    current = track(bed.create({ strict: true, trackOrigins: true, ...given }));
    current.pal.initialize();
    void current.pal.runEventLoop();
  });

  afterEach(async function () {
    if (current === null) return;
    const tracked = current;
    const failed = this.currentTest?.state === 'failed';
    if (failed) {
      atTheEnd = tracked.pal.describe();
      explain(this.currentTest, atTheEnd);
    }
    current = null;
    if (tracked.running !== null) await expectClean(bed, tracked, failed);
    if (shared && !failed && tracked.running !== null) current = tracked;
    else await stop(tracked);
  });

  after(async () => {
    if (current !== null) await stop(current);
    current = null;
  });

  return {
    get pal() {
      if (current === null) throw new Error('testPal() gives a PAL inside tests and hooks only');
      return current.pal;
    },
    describe: () => current?.pal.describe() ?? atTheEnd,
  };
}

/** Mocha says of a test that hangs that it hangs, and no more: what its PAL was waiting for belongs to that. */
function explain(test: Mocha.Test | undefined, description: string): void {
  const error = test?.err as NodeJS.ErrnoException | undefined;
  if (error?.code === 'ERR_MOCHA_TIMEOUT') error.message += `\nIts PAL: ${description}`;
}

/** Closes what is open and checks that nothing is left. */
async function expectClean(bed: Bed, tracked: Tracked, failed: boolean): Promise<void> {
  const { pal } = tracked;
  for (const handle of tracked.handles) pal.closeSocket(handle);
  let found: Record<string, number> = {};
  try {
    await until(
      () => Object.keys((found = leftBehind(pal.stats(), tracked.pinnedBytes))).length === 0,
      () => 'everything to be gone',
      bed,
    );
    tracked.handles.clear();
  } catch {
    // The failure of the test itself says more than what it left behind.
    if (failed) return;
    const what = `The test left ${JSON.stringify(found)} behind: ${pal.describe()}`;
    await stop(tracked);
    throw new Error(what);
  }
}

async function stop({ pal, running }: Tracked): Promise<void> {
  await pal.stopEventLoop();
  await running;
}

/** A PAL, and what was opened through it. */
interface Tracked {
  readonly pal: NetworkPal;
  /** What the latest runEventLoop returned; null once a stop was asked for. */
  readonly running: Promise<void> | null;
  readonly handles: Set<AnyHandle>;
  /** Bytes of allocateBuffer; the buffers are kept, so that no garbage collection changes the sum. */
  readonly pinnedBytes: number;
}

function track(pal: NetworkPal): Tracked {
  const handles = new Set<AnyHandle>();
  const buffers: Buffer[] = [];
  const watched = {} as NetworkPal;
  // Bound: a PAL may hold private fields, which no other object can reach.
  for (const name of methodsOf(pal)) {
    const method = Reflect.get(pal, name) as (...args: unknown[]) => unknown;
    Reflect.set(watched, name, method.bind(pal));
  }
  let running: Promise<void> | null = null;
  watched.runEventLoop = () => {
    const promise = pal.runEventLoop();
    running = promise;
    handles.clear(); // of an earlier run
    return promise;
  };
  watched.stopEventLoop = () => {
    running = null;
    return pal.stopEventLoop();
  };
  watched.createServer = (...args) => {
    const server = pal.createServer(...args);
    handles.add(server.handle);
    return server;
  };
  watched.createUdpSocket = (...args) => {
    const socket = pal.createUdpSocket(...args);
    handles.add(socket.handle);
    return socket;
  };
  watched.asyncConnect = (...args) => {
    const handle = pal.asyncConnect(...args);
    handles.add(handle);
    return handle;
  };
  watched.asyncAccept = (
    server: ServerHandle,
    optionsOrCallback: OperationOptions | AcceptCallback,
    last?: AcceptCallback,
  ) => {
    const callback = typeof optionsOrCallback === 'function' ? optionsOrCallback : last;
    const options = typeof optionsOrCallback === 'function' ? {} : optionsOrCallback;
    // Bad callbacks are the PAL's to refuse.
    if (typeof callback !== 'function') return pal.asyncAccept(server, optionsOrCallback as AcceptCallback);
    return pal.asyncAccept(server, options, (error, client, peer, local) => {
      if (error === null) handles.add(client);
      callback(error, client, peer, local);
    });
  };
  watched.receiveTransfer = (token) => {
    const handle = pal.receiveTransfer(token);
    handles.add(handle);
    return handle;
  };
  watched.onConnection = (callback) => {
    if (typeof callback !== 'function') return pal.onConnection(callback);
    pal.onConnection((socket, peer, local) => {
      handles.add(socket);
      callback(socket, peer, local);
    });
  };
  watched.allocateBuffer = (size) => {
    const buffer = pal.allocateBuffer(size);
    buffers.push(buffer);
    return buffer;
  };
  return {
    pal: watched,
    get running() {
      return running;
    },
    handles,
    get pinnedBytes() {
      return buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    },
  };
}

function methodsOf(pal: NetworkPal): (keyof NetworkPal)[] {
  const names = new Set<string>();
  let prototype = Object.getPrototypeOf(pal) as object;
  for (; prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype) as object) {
    for (const name of Object.getOwnPropertyNames(prototype)) if (name !== 'constructor') names.add(name);
  }
  return [...names] as (keyof NetworkPal)[];
}
