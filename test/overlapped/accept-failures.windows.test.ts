/** The accept pool never dies: failed accepts are told, posted again with growing pauses, and bounded in number. */
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkError } from '../../src/index.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { iocpInline, iocpWorker } from '../support/beds.ts';
import { withCalls, type Interception, type ObservedPlatform, type Overrides } from '../support/calls.ts';
import { accept, close, connect, readExactly, write } from '../support/io.ts';
import { completeByPacket } from '../support/native.ts';
import { testPal } from '../support/pal-fixture.ts';
import { until } from '../support/until.ts';

const WSAEMFILE = 10024;
const WSAENOBUFS = 10055;
const IO_PENDING = 997;
const STATUS_CONNECTION_RESET = 0xc000020d;
const STATUS_TOO_MANY_OPENED_FILES = 0xc000011f;
/** Attempts without a pause after connections that were gone: each takes one out of the way. */
const GONE_IN_A_ROW = 1024;
/** Milliseconds that the system keeps failing: enough for a storm of attempts to show. */
const FAILING_FOR_MS = 300;
/** The longest pause of the pool, milliseconds; other timers of the library, as the sweep, wait longer. */
const LONGEST_PAUSE_MS = 1000;
/** Milliseconds of pauses: those of other failures would be more than two seconds. */
const PAUSED_AT_MOST_MS = 1500;

for (const bed of [iocpWorker, iocpInline]) {
  describe(`failed accepts [${bed.name}]`, () => {
    let platform: ObservedPlatform;
    let failing: boolean;
    let ways: Overrides;
    const reported: NetworkError[] = [];
    const fixture = testPal(bed, () => {
      failing = false;
      reported.length = 0;
      ways = {};
      const route = (name: string) => (call: Interception) =>
        failing ? (ways[name]?.(call) ?? call.real()) : call.real();
      platform = withCalls(windowsPlatform(), { AcceptEx: route('AcceptEx'), WSASocketW: route('WSASocketW') });
      return { platform };
    });

    /** AcceptEx says that it is pending, and then its packet says how it failed. */
    const failLater =
      (status: number) =>
      ({ args, fail }: Interception): number => {
        const [listener, , , , , , , overlapped = 0] = args;
        const made = platform.callsOf('CreateIoCompletionPort').find(({ args: [file] }) => file === listener);
        const [, port = 0, key = 0] = made?.args ?? [];
        completeByPacket(platform, port, key, overlapped, status);
        return fail(IO_PENDING, 0);
      };

    const scenarios: [string, string, (call: Interception) => number, string, string, NetworkErrorCode, number][] = [
      [
        'AcceptEx that fails at once',
        'AcceptEx',
        ({ fail }) => fail(WSAENOBUFS, 0),
        'AcceptEx',
        'ENOBUFS',
        NetworkErrorCode.ResourceExhausted,
        0,
      ],
      [
        'AcceptEx whose packet reports a connection that was reset',
        'AcceptEx',
        failLater(STATUS_CONNECTION_RESET),
        'AcceptEx',
        'ECONNRESET',
        NetworkErrorCode.ConnectionReset,
        GONE_IN_A_ROW,
      ],
      [
        'AcceptEx whose packet reports too many open files',
        'AcceptEx',
        failLater(STATUS_TOO_MANY_OPENED_FILES),
        'AcceptEx',
        'EMFILE',
        NetworkErrorCode.TooManyOpenFiles,
        0,
      ],
      [
        'WSASocketW at the limit of sockets',
        'WSASocketW',
        ({ fail }) => fail(WSAEMFILE),
        'WSASocketW',
        'EMFILE',
        NetworkErrorCode.TooManyOpenFiles,
        0,
      ],
    ];
    for (const [title, name, way, syscall, code, kind, free] of scenarios) {
      it(`${title}: reported, tried again with pauses, and the server goes on`, async () => {
        const { pal } = fixture;
        const depth = 4;
        ways = { [name]: way };
        const server = pal.createServer('127.0.0.1', 0, {
          acceptDepth: depth,
          onAcceptError: (error) => reported.push(error),
        });
        // Each connection that is taken makes the pool post one more, which fails from now on.
        const clients = [await connect(pal, '127.0.0.1', server.port)];
        failing = true;
        const before = platform.callsOf(name).length;
        const started = Date.now();
        expect((await accept(pal, server.handle)).peer.address).to.equal('127.0.0.1');
        await until(
          () => reported.length >= free + 4 && Date.now() - started >= FAILING_FOR_MS,
          () => `${free + 4} reports; came ${reported.length}`,
        );
        const elapsed = Date.now() - started;
        const attempts = platform.callsOf(name).length - before;
        for (const error of reported) {
          expect(error).to.include({ code, kind, syscall });
          expect(error.message).to.match(/^accept /);
        }
        // At once, then after 10, 20, 40 ms … (or every 10 ms, when it is only connections that were gone): within
        // `elapsed` no more than this, times the places of the pool.
        const most = 2 + Math.ceil(free > 0 ? elapsed / 10 : Math.log2(elapsed / 10 + 1));
        expect(attempts, `attempts in ${elapsed} ms`).to.be.at.most(free + depth * most);
        expect(pal.stats().acceptErrors).to.be.at.least(4);

        failing = false;
        // The first of these may find the pool's last places; the others need the ones that failed.
        for (let count = 0; count < 2 * depth; count++) {
          const [client, { socket }] = await Promise.all([
            connect(pal, '127.0.0.1', server.port),
            accept(pal, server.handle),
          ]);
          await write(pal, client, new Uint8Array([count]));
          expect([...(await readExactly(pal, socket, 1))]).to.deep.equal([count]);
          clients.push(client);
        }
        await until(
          () => pal.stats().operations.accept === depth,
          () => 'the pool to be full again',
        );
        const errors = pal.stats().acceptErrors;
        expect(reported, 'one report for each').to.have.lengthOf(errors);
      });

      it(`${title}: the server can be closed meanwhile`, async () => {
        const { pal } = fixture;
        ways = { [name]: way };
        const server = pal.createServer('127.0.0.1', 0, {
          acceptDepth: 2,
          onAcceptError: (error) => reported.push(error),
        });
        await connect(pal, '127.0.0.1', server.port);
        failing = true;
        await accept(pal, server.handle);
        const waiting = accept(pal, server.handle).catch((error: unknown) => error);
        await until(
          () => reported.length >= 2,
          () => 'two reports',
        );
        await close(pal, server.handle);
        expect(await waiting).to.include({ kind: NetworkErrorCode.ConnectionClosed });
      });
    }

    it('an error without onAcceptError is only counted', async () => {
      const { pal } = fixture;
      ways = { AcceptEx: ({ fail }) => fail(WSAENOBUFS, 0) };
      failing = true;
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
      await until(
        () => pal.stats().acceptErrors >= 3,
        () => 'three errors',
      );
      failing = false;
      await Promise.all([connect(pal, '127.0.0.1', server.port), accept(pal, server.handle)]);
    });
  });
}

describe('connections that are gone before they are accepted', () => {
  /** Milliseconds of all the pauses that the pool has asked for: what it waits for, however slow the machine is. */
  let paused = 0;
  const fixture = testPal(iocpWorker, () => {
    const platform = windowsPlatform();
    const { scheduler } = platform;
    paused = 0;
    const setTimer: typeof scheduler.setTimer = (ms, callback) => {
      if (ms <= LONGEST_PAUSE_MS) paused += ms;
      return scheduler.setTimer(ms, callback);
    };
    return { platform: { ...platform, scheduler: { ...scheduler, setTimer } } };
  });

  it('do not hold up the others: a living one is accepted behind ten that are gone', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    // The pool takes the first; the others wait in the system's queue, and are reset there.
    const gone = await Promise.all(Array.from({ length: 10 }, () => connect(pal, '127.0.0.1', server.port)));
    for (const client of gone) pal.resetSocket(client);
    const wanted = await connect(pal, '127.0.0.1', server.port);
    const port = pal.getLocalPort(wanted);
    // Whether the system hands a dead connection out or drops it is its own affair.
    for (let tries = 0; tries <= gone.length; tries++) {
      const { socket, peer } = await accept(pal, server.handle);
      pal.closeSocket(socket);
      if (peer.port !== port) continue;
      expect(paused, 'milliseconds').to.be.below(PAUSED_AT_MOST_MS);
      return;
    }
    throw new Error('The living connection was not accepted');
  });
});
