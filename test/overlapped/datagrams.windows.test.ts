/** How UDP sockets use Winsock, and what they make of failures. Asserted on the calls: most of it Wine cannot show. */
import { expect } from 'chai';
import { SIO_UDP_CONNRESET, SOCK_DGRAM, WSA_FLAG_NO_HANDLE_INHERIT, WSA_FLAG_OVERLAPPED } from '../../ffi/constants.ts';
import { WSAECONNRESET, WSAENOBUFS, WSAEWOULDBLOCK } from '../../ffi/wsa-errors.ts';
import type { NetworkError, UdpOptions } from '../../src/index.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { iocpWorker } from '../support/beds.ts';
import { withCalls, type Interception, type ObservedPlatform } from '../support/calls.ts';
import { rejectionOf } from '../support/errors.ts';
import { close } from '../support/io.ts';
import { viewAt } from '../support/native.ts';
import { testPal } from '../support/pal-fixture.ts';
import { receive, receiveMany, send } from '../support/udp.ts';

describe('UDP sockets on completion ports', () => {
  let platform: ObservedPlatform;
  let connReset: number[];
  let receiveFrom: (call: Interception) => number;
  let sendTo: (call: Interception) => number;
  const real = ({ real: call }: Interception): number => call();
  const fixture = testPal(iocpWorker, () => {
    connReset = [];
    receiveFrom = real;
    sendTo = real;
    platform = withCalls(windowsPlatform(), {
      WSARecvFrom: (call) => receiveFrom(call),
      WSASendTo: (call) => sendTo(call),
      WSAIoctl: ({ args, real: call }) => {
        const [, code, address = 0, length = 0] = args;
        // The value lies in scratch memory, so it must be looked at during the call.
        if (code === SIO_UDP_CONNRESET) connReset.push(viewAt(address, length).getUint32(0, true));
        return call();
      },
    });
    return { platform, skipCompletionPortOnSuccess: true };
  });

  /** Fails the first `count` calls at once. */
  function failing(count: number, code: number): (call: Interception) => number {
    let left = count;
    return (call) => {
      if (left === 0) return call.real();
      left--;
      return call.fail(code);
    };
  }

  it('are overlapped, not inherited, and never skip packets', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const [, made] = platform.callsOf('WSASocketW'); // the first one asks about layered providers
    expect(made?.args[1]).to.equal(SOCK_DGRAM);
    expect(made?.args[5]).to.equal(WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    for (let count = 0; count < 5; count++) {
      await send(pal, server.handle, 'x', server);
      await receive(pal, server.handle);
    }
    expect(platform.callsOf('SetFileCompletionNotificationModes')).to.deep.equal([]);
  });

  it('hear of a burst by one packet, and take the rest of it by calls that answer at once', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    for (let count = 0; count < 40; count++) pal.trySendTo(server.handle, Buffer.from('x'), server);
    await receiveMany(pal, server.handle, 40);
    const calls = platform.callsOf('WSARecvFrom').slice(0, 40);
    expect(calls.map(({ args }) => args[7] !== 0)).to.deep.equal([true, ...Array<boolean>(39).fill(false)]);
    expect(new Set(calls.map(({ args }) => args[5])).size, 'one slot takes the address of each sender').to.equal(1);
    expect(pal.stats().packets).to.equal(1);
  });

  it('try a send at once, and give the port what the system has no room for', async () => {
    const { pal } = fixture;
    const isOverlapped = (args: readonly number[]): boolean => args[7] !== 0;
    let refusals = 1;
    sendTo = (call) => (!isOverlapped(call.args) && refusals-- > 0 ? call.fail(WSAEWOULDBLOCK) : call.real());
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const received = receiveMany(pal, server.handle, 3);
    const sent = [send(pal, server.handle, 'a', server), send(pal, server.handle, 'b', server)];
    // The second is not tried beside the first, which the system has: it could overtake it.
    expect(platform.callsOf('WSASendTo').map(({ args }) => isOverlapped(args))).to.deep.equal([false, true, true]);
    expect(await Promise.all(sent)).to.deep.equal([1, 1]);
    expect(await send(pal, server.handle, 'c', server)).to.equal(1);
    expect(platform.callsOf('WSASendTo').map(({ args }) => isOverlapped(args))).to.deep.equal([
      false,
      true,
      true,
      false,
    ]);
    expect((await received).map(({ data }) => data.toString())).to.deep.equal(['a', 'b', 'c']);
  });

  describe('whose calls fail that answer at once', () => {
    /** Lets receives pend, and answers the first `count` calls that do not. */
    function answering(count: number, answer: (call: Interception) => number): void {
      let left = count;
      receiveFrom = (call) => (call.args[7] === 0 && left-- > 0 ? answer(call) : call.real());
    }

    async function exchange(texts: readonly string[], options: UdpOptions = {}): Promise<string[]> {
      const { pal } = fixture;
      const server = pal.createUdpSocket('127.0.0.1', 0, options);
      for (const text of texts) pal.trySendTo(server.handle, Buffer.from(text), server);
      const outcomes: string[] = [];
      while (outcomes.at(-1) !== texts.at(-1)) {
        outcomes.push(
          await receive(pal, server.handle).then(
            ({ data }) => data.toString(),
            (error: unknown) => (error as NetworkError).code,
          ),
        );
      }
      return outcomes;
    }

    it('with the report of an unreachable peer, it is nobody’s error', async () => {
      answering(3, (call) => call.fail(WSAECONNRESET));
      expect(await exchange(['a', 'b', 'c'])).to.deep.equal(['a', 'b', 'c']);
      expect(fixture.pal.stats().unreachableReports).to.equal(3);
    });

    it('with anything else, one receive is told, and the next one goes on', async () => {
      answering(1, (call) => call.fail(WSAENOBUFS));
      expect(await exchange(['a', 'b', 'c'])).to.deep.equal(['a', 'ENOBUFS', 'b', 'c']);
      answering(1, () => {
        throw new Error('out of everything');
      });
      expect(await exchange(['a', 'b', 'c'])).to.deep.equal(['a', 'EFAULT', 'b', 'c']);
    });
  });

  it('are set to ignore unreachable peers, unless the user wants reports', () => {
    const { pal } = fixture;
    pal.createUdpSocket('127.0.0.1', 0);
    pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable: true });
    expect(connReset).to.deep.equal([0, 1]);
  });

  it('lend each receive an address, a length and flags of its own, in memory of the library', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: 8 });
    const received = receive(pal, server.handle);
    await send(pal, server.handle, 'x', server);
    await received;
    const calls = platform.callsOf('WSARecvFrom').slice(0, 8);
    const lent = new Set<number>();
    for (const { args } of calls) {
      const [, , buffers, bytes, flags = 0, from = 0, fromLength = 0, overlapped = 0] = args;
      expect([buffers, bytes]).to.deep.equal([1, 0]);
      for (const address of [flags, from, fromLength]) {
        expect(address - overlapped, 'within the context').to.be.within(32, 127);
        lent.add(address);
      }
    }
    expect(lent.size).to.equal(24);
  });

  it('closing cancels, awaits every packet, and only then closes', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: 5 });
    const failed = rejectionOf(receive(pal, server.handle));
    await close(pal, server.handle);
    await failed;
    const socket = platform.callsOf('WSARecvFrom')[0]?.args[0];
    const [cancel] = platform.callsOf('CancelIoEx').filter(({ args }) => args[0] === socket);
    expect(cancel?.args[1], 'everything of the socket').to.equal(0);
    const names = platform.calls.filter(({ args }) => args[0] === socket).map(({ name }) => name);
    expect(names.slice(-2)).to.deep.equal(['CancelIoEx', 'closesocket']);
    expect(pal.stats().operations.receive).to.equal(0);
  });

  it('an unreachable peer that the system reports nevertheless is nobody’s error', async () => {
    const { pal } = fixture;
    receiveFrom = failing(6, WSAECONNRESET);
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const received = receive(pal, server.handle);
    await send(pal, server.handle, 'x', server);
    expect((await received).data.toString()).to.equal('x');
    expect(pal.stats().unreachableReports).to.equal(6);
    expect(pal.stats().operations.receive).to.equal(1);
  });

  it('or one error each, with reportUnreachable', async () => {
    const { pal } = fixture;
    receiveFrom = failing(2, WSAECONNRESET);
    const server = pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable: true });
    const outcomes = await Promise.allSettled([
      receive(pal, server.handle),
      receive(pal, server.handle),
      receive(pal, server.handle),
      send(pal, server.handle, 'x', server),
    ]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
  });

  it('a send that fails with the report about an earlier one is made again', async () => {
    const { pal } = fixture;
    sendTo = failing(2, WSAECONNRESET);
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const received = receive(pal, server.handle);
    expect(await send(pal, server.handle, 'twice', server)).to.equal(5);
    expect((await received).data.toString()).to.equal('twice');
    expect(platform.callsOf('WSASendTo')).to.have.lengthOf(3);
  });

  it('but not for ever, and not with reportUnreachable', async () => {
    const { pal } = fixture;
    sendTo = failing(100, WSAECONNRESET);
    const server = pal.createUdpSocket('127.0.0.1', 0);
    expect(await rejectionOf(send(pal, server.handle, 'x', server))).to.include({
      code: 'ECONNRESET',
      syscall: 'WSASendTo',
      address: '127.0.0.1',
      port: server.port,
    });
    expect(platform.callsOf('WSASendTo')).to.have.lengthOf(4);
    const told = pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable: true });
    await rejectionOf(send(pal, told.handle, 'x', told));
    expect(platform.callsOf('WSASendTo')).to.have.lengthOf(5);
  });

  it('any other failure answers one receive each, and reception goes on when it can', async () => {
    const { pal } = fixture;
    receiveFrom = failing(1000, WSAENOBUFS);
    const server = pal.createUdpSocket('127.0.0.1', 0);
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.allSettled(Array.from({ length: 7 }, () => receive(pal, server.handle)));
      for (const outcome of outcomes) {
        expect(outcome).to.have.property('reason').that.includes({ code: 'ENOBUFS', syscall: 'WSARecvFrom' });
      }
    }
    receiveFrom = real;
    const received = receiveMany(pal, server.handle, 2);
    await send(pal, server.handle, 'a', server);
    await send(pal, server.handle, 'b', server);
    expect((await received).map(({ data }) => data.toString())).to.deep.equal(['a', 'b']);
  });
});
