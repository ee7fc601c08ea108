/**
 * The socket contexts that AcceptEx and ConnectEx leave to be updated, and what else the system must be told. Asserted
 * on the calls themselves: Wine works without them, Windows does not.
 */
import { expect } from 'chai';
import {
  SD_SEND,
  SIO_TCP_INITIAL_RTO,
  SO_UPDATE_ACCEPT_CONTEXT,
  SO_UPDATE_CONNECT_CONTEXT,
  SOL_SOCKET,
  TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS,
  WSA_FLAG_NO_HANDLE_INHERIT,
  WSA_FLAG_OVERLAPPED,
} from '../../ffi/constants.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { iocpWorker } from '../support/beds.ts';
import { withCalls, type Call, type ObservedPlatform } from '../support/calls.ts';
import { close, connect, pair, read } from '../support/io.ts';
import { viewAt } from '../support/native.ts';
import { testPal } from '../support/pal-fixture.ts';

const EINVAL = 10022;

describe('socket contexts', () => {
  let platform: ObservedPlatform;
  let acceptContextValues: number[];
  let initialRto: { socket: number; retransmissions: number }[];
  const fixture = testPal(iocpWorker, () => {
    acceptContextValues = [];
    initialRto = [];
    platform = withCalls(windowsPlatform(), {
      setsockopt: ({ args, real }) => {
        const [, , name = 0, address = 0] = args;
        // The value lies in scratch memory, so it must be looked at during the call.
        if (name === SO_UPDATE_ACCEPT_CONTEXT)
          acceptContextValues.push(Number(viewAt(address, 8).getBigUint64(0, true)));
        return real();
      },
      WSAIoctl: ({ args, real }) => {
        const [socket = 0, code, address = 0] = args;
        if (code === SIO_TCP_INITIAL_RTO) {
          initialRto.push({ socket, retransmissions: viewAt(address, 4).getUint8(2) });
        }
        return real();
      },
    });
    return { platform };
  });
  const optionCalls = (name: number): Call[] =>
    platform.callsOf('setsockopt').filter(({ args }) => args[1] === SOL_SOCKET && args[2] === name);

  it("SO_UPDATE_ACCEPT_CONTEXT is set once on each accepted socket, to the listening SOCKET's value", async () => {
    await pair(fixture.pal);
    const [accepting] = platform.callsOf('AcceptEx');
    const [listener, accepted] = accepting!.args;
    const updates = optionCalls(SO_UPDATE_ACCEPT_CONTEXT);
    expect(updates).to.have.lengthOf(1);
    expect(updates[0]!.args[0]).to.equal(accepted);
    expect(updates[0]!.args[4], 'bytes of a SOCKET').to.equal(8);
    expect(acceptContextValues).to.deep.equal([listener]);
    const [listening] = platform.callsOf('listen');
    expect(listening!.args[0]).to.equal(listener);
  });

  it('SO_UPDATE_CONNECT_CONTEXT is set once on each connected socket, without a value', async () => {
    await pair(fixture.pal);
    const [connecting] = platform.callsOf('ConnectEx');
    const updates = optionCalls(SO_UPDATE_CONNECT_CONTEXT);
    expect(updates.map(({ args }) => args)).to.deep.equal([
      [connecting!.args[0], SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, 0, 0],
    ]);
  });

  it('AcceptEx asks for no data, so that a silent peer holds no place', async () => {
    await pair(fixture.pal);
    for (const { args } of platform.callsOf('AcceptEx')) expect(args[3]).to.equal(0);
  });

  it('ConnectEx works on a bound socket', async () => {
    const { client } = await pair(fixture.pal);
    const [connecting] = platform.callsOf('ConnectEx');
    const bound = platform.callsOf('bind').map(({ args }) => args[0]);
    expect(bound).to.include(connecting!.args[0]);
    expect(fixture.pal.getLocalAddress(client)).to.equal('127.0.0.1');
  });

  it('SIO_TCP_INITIAL_RTO asks for a single SYN before a connect to loopback', async () => {
    await pair(fixture.pal);
    const [connecting] = platform.callsOf('ConnectEx');
    expect(initialRto).to.deep.equal([
      { socket: connecting!.args[0], retransmissions: TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS },
    ]);
  });

  it('sockets are overlapped, and child processes do not inherit them', async () => {
    await pair(fixture.pal);
    for (const { args } of platform.callsOf('WSASocketW')) {
      expect(args[5]).to.equal(WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    }
  });

  it('every socket is closed exactly once, with closesocket', async () => {
    const { pal } = fixture;
    const { server, client, served } = await pair(pal);
    for (const handle of [client, served, server.handle]) await close(pal, handle);
    const opened = platform.callsOf('WSASocketW').length;
    const closed = platform.callsOf('closesocket');
    expect(closed).to.have.lengthOf(opened);
    expect(closed.every(({ result }) => result === 0)).to.equal(true);
  });

  it('closing with a receive pending sends FIN, cancels, awaits the packet, and only then closes', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const reading = read(pal, client).catch(() => undefined);
    const from = platform.calls.length;
    await close(pal, client);
    await reading;
    const [connecting] = platform.callsOf('ConnectEx');
    const socket = connecting!.args[0];
    const steps = platform.calls.slice(from).filter(({ args }) => args[0] === socket);
    expect(steps.map(({ name }) => name)).to.deep.equal(['shutdown', 'CancelIoEx', 'closesocket']);
    expect(steps[0]!.args[1]).to.equal(SD_SEND);
    expect(steps[1]!.args[1], 'all operations').to.equal(0);
  });
});

describe('a connect to an address that is not loopback', () => {
  let attempted: number;
  const platform = (): ObservedPlatform =>
    withCalls(windowsPlatform(), {
      WSAIoctl: ({ args, real }) => {
        if (args[1] === SIO_TCP_INITIAL_RTO) attempted++;
        return real();
      },
      // Nothing may leave this machine.
      ConnectEx: ({ fail }) => fail(EINVAL, 0),
    });
  const fixture = testPal(iocpWorker, () => ({ platform: platform() }));
  beforeEach(() => {
    attempted = 0;
  });

  it('leaves the SYNs as they are', async () => {
    const error = await connect(fixture.pal, '192.0.2.1', 80).catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'EINVAL', syscall: 'ConnectEx', address: '192.0.2.1', port: 80 });
    expect(attempted).to.equal(0);
  });
});
