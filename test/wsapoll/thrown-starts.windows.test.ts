/**
 * Whatever is thrown between the taking of an operation and its wait in the poll set, or between its readiness and its call, ends
 * that operation: one callback, or a throw and none; those behind it are answered too, nothing is left over, the next of its kind
 * works, and the stop ends. On the real system; test/sim/faults/thrown-starts.test.ts is the same for completion ports.
 */
import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  NetworkError,
  type NetworkPal,
  type ServerSocket,
  type SocketHandle,
  type UdpHandle,
} from '../../src/index.ts';
import { OperationKind } from '../../src/memory/operation.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { wsapollInline, wsapollWorker, type Bed } from '../support/beds.ts';
import { pair } from '../support/io.ts';
import { until } from '../support/until.ts';
import { InjectedError, PolledInjection } from './support/polled-injection.ts';

interface Bench {
  readonly pal: NetworkPal;
  readonly file: string;
  readonly server: ServerSocket;
  readonly client: SocketHandle;
  readonly served: SocketHandle;
  readonly udp: { handle: UdpHandle; port: number };
  readonly peer: { handle: UdpHandle; port: number };
  /** What an operation has opened. */
  readonly opened: (SocketHandle | ServerSocket['handle'])[];
}

type Told = (error: NetworkError | null) => void;

interface Case {
  readonly kind: OperationKind;
  /** What has to be there before, without a fault. */
  readonly prepare?: (bench: Bench) => void;
  /** Starts one. */
  readonly start: (bench: Bench, told: Told) => void;
  /** Lets those that were started complete. */
  readonly answer?: (bench: Bench) => void;
  /** Its failure is made up for, without its user being told. */
  readonly heals?: boolean;
  /** A second one would take its place. */
  readonly alone?: boolean;
  /** Steps that do not throw: they are taken on a stack of their own, where nothing of a user's is above them. */
  readonly spared?: readonly string[];
  /** The steps that show that it was interrupted where it should be. */
  readonly through: readonly string[];
}

/** More than the system takes at once from sockets with small buffers. */
const MUCH = 64 * 1024;
/** Steps that throw, one after another; what comes later in an operation of many pieces is the same again. */
const MOST_FAULTS = 40;

const nothing = (): void => undefined;
const bytes = (size: number): Uint8Array => new Uint8Array(size).fill(1);

function drain({ pal, served }: Bench): void {
  const buffer = new Uint8Array(1024 * 1024);
  const next = (): void => {
    pal.asyncRead(served, buffer, buffer.length, (error, count) => {
      if (error === null && count > 0) next();
    });
  };
  next();
}

function sendToUdp({ pal, udp, peer }: Bench): void {
  for (let count = 0; count < 3; count++) {
    pal.asyncSendTo(peer.handle, bytes(10), { address: '127.0.0.1', port: udp.port }, nothing);
  }
}

const cases: Record<string, Case> = {
  'a connect': {
    kind: OperationKind.Connect,
    start: ({ pal, server, opened }, told) =>
      void opened.push(
        pal.asyncConnect('127.0.0.1', server.port, { noDelay: true, timeout: 60_000 }, (error) => told(error)),
      ),
    through: ['WSASocketW', 'bind', 'attach', 'ioctlsocket', 'connect', 'WSAGetLastError', 'changed', 'getsockopt'],
  },
  'an accept': {
    kind: OperationKind.Accept,
    heals: true,
    start: ({ pal, opened }, told) => {
      const fresh = pal.createServer('127.0.0.1', 0, { acceptDepth: 2 });
      opened.push(fresh.handle);
      pal.asyncAccept(fresh.handle, (error, socket) => {
        if (error === null) opened.push(socket);
        told(error);
      });
      opened.push(pal.asyncConnect('127.0.0.1', fresh.port, {}, nothing));
    },
    through: ['takeUnseen', 'accept', 'changed'],
  },
  'a read': {
    kind: OperationKind.Receive,
    start: ({ pal, served }, told) => pal.asyncRead(served, new Uint8Array(10), 10, (error) => told(error)),
    answer: ({ pal, client }) => pal.asyncWrite(client, bytes(100), nothing),
    through: ['receive', 'changed', 'WSARecv'],
  },
  'a read in place': {
    kind: OperationKind.Receive,
    start: ({ pal, served }, told) =>
      pal.asyncRead(served, pal.allocateBuffer(10), 10, { timeout: 60_000 }, (error) => told(error)),
    answer: ({ pal, client }) => pal.asyncWrite(client, bytes(100), nothing),
    through: ['addressOf', 'receive', 'changed', 'WSARecv'],
  },
  'a write': {
    kind: OperationKind.Send,
    start: ({ pal, client }, told) => pal.asyncWrite(client, bytes(100), { timeout: 60_000 }, (error) => told(error)),
    through: ['begin', 'setSegment', 'send', 'WSASend'],
  },
  'a write that waits for room': {
    kind: OperationKind.Send,
    prepare: ({ pal, client, served }) => {
      pal.setSocketOption(client, 'SendBufferSize', 8192);
      pal.setSocketOption(served, 'ReceiveBufferSize', 8192);
    },
    start: ({ pal, client }, told) => pal.asyncWrite(client, pal.allocateBuffer(MUCH), (error) => told(error)),
    answer: drain,
    through: ['send', 'WSASend', 'WSAGetLastError', 'changed'],
  },
  'a write of a list': {
    kind: OperationKind.Send,
    start: ({ pal, client }, told) => {
      const pinned = pal.allocateBuffer(1000);
      pal.asyncWrite(client, [bytes(10), pinned, bytes(200), pinned.subarray(500)], (error) => told(error));
    },
    through: ['move', 'send', 'WSASend'],
  },
  'a file': {
    kind: OperationKind.Send,
    start: ({ pal, client, file }, told) =>
      pal.asyncSendFile(client, file, { head: bytes(10), tail: bytes(10) }, (error) => told(error)),
    prepare: drain,
    spared: ['soon'],
    through: ['open', 'facts', 'read', 'send', 'WSASend'],
  },
  'a receive of a datagram': {
    kind: OperationKind.ReceiveFrom,
    start: ({ pal, udp }, told) => pal.asyncReceiveFrom(udp.handle, new Uint8Array(10), 10, (error) => told(error)),
    answer: sendToUdp,
    through: ['take', 'receiveFrom', 'changed', 'WSARecvFrom'],
  },
  'a datagram': {
    kind: OperationKind.SendTo,
    start: ({ pal, udp, peer }, told) =>
      pal.asyncSendTo(udp.handle, bytes(10), { address: '127.0.0.1', port: peer.port }, (error) => told(error)),
    through: ['take', 'sendTo', 'WSASendTo'],
  },
  'a watch': {
    kind: OperationKind.ZeroByteReceive,
    heals: true,
    alone: true,
    start: ({ pal, served }, told) => {
      let first = true;
      pal.watch(served, { readable: true }, (error) => {
        if (first) told(error);
        first = false;
        pal.unwatch(served);
      });
    },
    answer: ({ pal, client }) => pal.asyncWrite(client, bytes(100), nothing),
    through: ['setSegment', 'receive', 'changed'],
  },
};

const CODES = ['EFAULT', 'ENOBUFS', 'ERR_CONNECTION_CLOSED', 'ECONNRESET', 'UNKNOWN'];

async function open(pal: NetworkPal, file: string): Promise<Bench> {
  const sockets = await pair(pal);
  const udp = pal.createUdpSocket('127.0.0.1', 0);
  const peer = pal.createUdpSocket('127.0.0.1', 0);
  return { pal, file, ...sockets, udp, peer, opened: [] };
}

async function shut({ pal, server, client, served, udp, peer, opened }: Bench, where: string): Promise<void> {
  for (const handle of [...opened, client, served, server.handle, udp.handle, peer.handle]) pal.closeSocket(handle);
  const left = (): Record<string, number> => {
    const { slots, freeSlots, sockets, servers, pendingCallbacks, queuedBytes, openFiles } = pal.stats();
    return { slots: slots - freeSlots, sockets, servers, pendingCallbacks, queuedBytes, openFiles };
  };
  await until(
    () => Object.values(left()).every((count) => count === 0),
    () => `the end after ${where}: ${pal.describe()}`,
  );
}

/** Two of a kind, with a fault at one step. Returns the step, or null when there are not so many. */
async function run(
  test: Case,
  pal: NetworkPal,
  file: string,
  injection: PolledInjection,
  fault: number,
): Promise<string | null> {
  const bench = await open(pal, file);
  await sleep(2); // the waiter has the array by now, most of the time
  test.prepare?.(bench);
  const calls: (NetworkError | null)[][] = test.alone === true ? [[]] : [[], []];
  const thrown: unknown[] = [null, null];
  injection.begin(fault);
  calls.forEach((told, index) => {
    try {
      test.start(bench, (error) => told.push(error));
    } catch (error) {
      thrown[index] = error;
    }
  });
  test.answer?.(bench);
  const where = (): string => `fault ${fault}, ${String(injection.step)}: ${pal.describe()}`;
  await until(() => calls.every((told, index) => told.length > 0 || thrown[index] !== null), where);
  injection.end();
  await shut(bench, where());
  await fresh(test, pal, file, where());
  calls.forEach((told, index) => {
    if (thrown[index] !== null) {
      expect(thrown[index], where()).to.be.instanceOf(InjectedError);
      expect(told, where()).to.deep.equal([]);
      return;
    }
    expect(told, where()).to.have.lengthOf(1);
    const [error] = told;
    if (!(error instanceof NetworkError)) return;
    expect(injection.step, `without a fault: ${error.message}`).to.not.equal(null);
    expect(error.code, where()).to.be.oneOf(CODES);
    if (error.code === 'EFAULT' && index === 0) expect(error.cause, where()).to.be.instanceOf(InjectedError);
  });
  return injection.step;
}

/** The next of its kind, on sockets of its own. */
async function fresh(test: Case, pal: NetworkPal, file: string, where: string): Promise<void> {
  const bench = await open(pal, file);
  const calls: (NetworkError | null)[] = [];
  test.prepare?.(bench);
  test.start(bench, (error) => calls.push(error));
  test.answer?.(bench);
  await until(
    () => calls.length > 0,
    () => `the next one, after ${where}`,
  );
  await shut(bench, `the next one, after ${where}`);
  expect(calls, `the next one, after ${where}`).to.deep.equal([null]);
}

async function everyStep(test: Case, bed: Bed): Promise<void> {
  const injection = new PolledInjection(test.kind, test.spared);
  try {
    const platform = injection.wrap(windowsPlatform());
    const pal = bed.create({ platform, strict: true, maxOperations: 64 });
    const file = bed.putFile('thrown-starts', bytes(200_000));
    pal.initialize();
    const running = pal.runEventLoop();
    try {
      let fault = 1;
      while (fault <= MOST_FAULTS && (await run(test, pal, file, injection, fault)) !== null) fault++;
      expect(await run(test, pal, file, injection, Infinity), 'without a fault').to.equal(null);
    } finally {
      injection.end();
      await pal.stopEventLoop();
      await running;
    }
    expect([...injection.passed]).to.include.members([...test.through]);
  } finally {
    injection.remove();
  }
}

for (const bed of [wsapollWorker, wsapollInline]) {
  describe(`what throws in the start of [${bed.name}]`, () => {
    for (const [name, test] of Object.entries(cases)) {
      it(`${name} ends it, with one callback`, () => everyStep(test, bed));
    }
  });
}
