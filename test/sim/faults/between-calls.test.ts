/**
 * Every call and every operation fails once with every code that src/sim/machine/faults.ts knows for it: its user is told, with
 * the word of ffi/, and nothing is left behind. One test for each cell.
 */
import { expect } from 'chai';
import { ntStatusToWinsockError } from '../../../ffi/ntstatus.ts';
import { describeSystemError } from '../../../ffi/system-error.ts';
import { WSAECONNABORTED, WSAECONNRESET, WSAENOTCONN } from '../../../ffi/wsa-errors.ts';
import { createNetworkPal, type NetworkError } from '../../../src/index.ts';
import {
  CALL_FAULTS,
  simulateNetwork,
  STATUS_FAULTS,
  type PlannedFault,
  type ProfileName,
} from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

/** What its user hears of a failure, in which callback. */
type Log = string[];

/** Seeds to look through for one with which the operation waits: one that succeeds at once never meets its packet's fault. */
const SEEDS = 64;

/** The exchange of the first seed in which the fault happens. */
async function exchange(fault: PlannedFault, profile: ProfileName, skips: boolean): Promise<Log> {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { log, met } = await exchangeOnce(fault, profile, skips, seed);
    if (met > 0) return log;
  }
  throw new Error(`The fault was met with none of ${SEEDS} seeds`);
}

/** One exchange between two processes, of which the first has the fault. It must end by itself, whatever happens. */
async function exchangeOnce(
  fault: PlannedFault,
  profile: ProfileName,
  skips: boolean,
  seed: number,
): Promise<{ log: Log; met: number }> {
  const log: Log = [];
  const met = (): number => platform.faults?.met ?? 0;
  const network = simulateNetwork({ seed });
  const platform = network.platform({ profile, keepAlive: true, faults: { plan: [fault] } });
  platform.files.put('file', Buffer.alloc(100));
  const other = network.platform({ profile, keepAlive: true });
  const options = { skipCompletionPortOnSuccess: skips, strict: true, maxOperations: 64 };
  const pal = createNetworkPal({ platform, ...options });
  const peer = createNetworkPal({ platform: other, ...options });
  let stopping = false;
  const told = (what: string, error: NetworkError | null): void => {
    if (error !== null && !stopping) log.push(`${what} ${error.code}`);
  };
  try {
    pal.initialize();
  } catch (error) {
    told('initialize', error as NetworkError);
    await network.settle();
    expect(platform.openHandles).to.equal(0);
    return { log, met: met() };
  }
  peer.initialize();
  const ended = Promise.all([pal.runEventLoop(), peer.runEventLoop()]);

  // Server and client at once, so that every call is made in the process that has the fault.
  const echo = peer.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  peer.asyncAccept(echo.handle, (refused, client) => {
    if (refused !== null) return;
    const buffer = new Uint8Array(8);
    peer.asyncRead(client, buffer, 8, (error, bytes) => {
      if (error === null && bytes > 0) peer.asyncWrite(client, buffer.subarray(0, bytes), () => undefined);
    });
  });
  let listenerLives = true;
  try {
    const onAcceptError = (error: NetworkError): void => told('accept', error);
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1, noDelay: true, onAcceptError });
    let accepted = false;
    pal.asyncAccept(server.handle, (error) => {
      accepted = error === null;
    });
    // The first connection may be the one whose accept fails: others follow it, and the listener lives.
    for (let count = 0; count < 3; count++) peer.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
    await network.settle(() => accepted);
    listenerLives = accepted;
  } catch (error) {
    told('createServer', error as NetworkError);
  }
  expect(listenerLives, 'a connection is accepted').to.equal(true);
  pal.asyncConnect('127.0.0.1', echo.port, {}, (error, socket) => {
    told('connect', error);
    if (error !== null) return;
    pal.asyncRead(socket, new Uint8Array(8), 8, (failure) => told('read', failure));
    pal.asyncWrite(socket, Buffer.from('hello'), (failure) => told('write', failure));
    pal.asyncSendFile(socket, 'file', {}, (failure) => told('sendFile', failure));
    pal.asyncSendFile(socket, 'file', { transmitFile: false }, (failure) => told('sendFile', failure));
    pal.shutdown(socket, 'send');
  });
  await network.settle();
  stopping = true;
  void pal.stopEventLoop();
  void peer.stopEventLoop();
  await network.settle();
  await ended;
  expectNothingLeft(platform);
  return { log, met: met() };
}

/** An exchange of two processes makes none of these. Their cells: reuse, loop-faults and missed-cancels. */
const ELSEWHERE = new Set([
  'CancelIoEx',
  'CreateEventW',
  'DisconnectEx',
  'PostQueuedCompletionStatus',
  'WSADuplicateSocketW',
]);

/** Where the user of the PAL hears of it. */
const HEARD: Readonly<Record<string, readonly string[]>> = {
  AcceptEx: ['accept'],
  ConnectEx: ['connect'],
  CreateIoCompletionPort: ['initialize'],
  SetFileCompletionNotificationModes: [], // then packets come for everything
  WSAIoctl: ['createServer'],
  WSARecv: ['read'],
  WSASend: ['write'],
  WSASocketW: ['initialize'],
  TransmitFile: ['sendFile'],
  'fs.open': ['sendFile'],
  'fs.read': ['sendFile'],
  bind: ['createServer'],
  getsockname: ['createServer'],
  listen: ['createServer'],
  setsockopt: ['accept', 'connect'],
  shutdown: [],
};

/** Which call is the first whose failure anybody hears of: a connect may do without SO_REUSE_UNICASTPORT, which it sets first. */
const FIRST_HEARD: Readonly<Record<string, number>> = { setsockopt: 2 };

/** These have a test of their own, datagram-faults.test.ts. */
const isDatagramCall = (call: string): boolean => call === 'WSARecvFrom' || call === 'WSASendTo';

/** What a reset is called by calls that have another code for it: a receive that is aborted, a TransmitFile that finds no peer. */
const RESET_IN: Readonly<Record<string, number>> = { WSARecv: WSAECONNABORTED, TransmitFile: WSAENOTCONN };
const wordOf = (call: string, code: number): string =>
  describeSystemError(code === RESET_IN[call] ? WSAECONNRESET : code).code;

describe('a failure of the system', () => {
  for (const [call, codes] of Object.entries(CALL_FAULTS)) {
    if (isDatagramCall(call) || ELSEWHERE.has(call)) continue;
    for (const code of codes) {
      it(`${call} with ${describeSystemError(code).name}`, async () => {
        for (const profile of ['windows', 'wine'] as const) {
          const log = await exchange(
            { call: call as keyof typeof CALL_FAULTS, nth: FIRST_HEARD[call] ?? 1, code },
            profile,
            true,
          );
          const expected = wordOf(call, code);
          const places = HEARD[call] ?? [];
          if (places.length === 0) expect(log, profile).to.deep.equal([]);
          else
            expect(
              places.some((place) => log.includes(`${place} ${expected}`)),
              `${profile}: ${log.join()}`,
            ).to.equal(true);
        }
      });
    }
  }

  for (const [operation, statuses] of Object.entries(STATUS_FAULTS)) {
    if (isDatagramCall(operation) || ELSEWHERE.has(operation)) continue;
    for (const status of statuses) {
      it(`${operation} with a packet that says 0x${status.toString(16)}`, async () => {
        for (const profile of ['windows', 'wine'] as const) {
          const fault = { operation: operation as keyof typeof STATUS_FAULTS, nth: 1, status };
          const log = await exchange(fault, profile, false);
          const code = ntStatusToWinsockError(status);
          const expected = wordOf(operation, code);
          // Not always the first: a connection that breaks with it is heard of by its reader too.
          expect(log, profile).to.include(`${HEARD[operation]?.[0] ?? ''} ${expected}`);
        }
      });
    }
  }
});
