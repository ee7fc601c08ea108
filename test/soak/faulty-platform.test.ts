/** A platform whose calls fail now and then: on the simulated one, where every failure can be followed. */
import { expect } from 'chai';
import { WSAECONNRESET } from '../../ffi/wsa-errors.ts';
import { createNetworkPal, type NetworkError } from '../../src/index.ts';
import { CALL_FAULTS, simulateNetwork } from '../../src/sim/index.ts';
import { POINTERS } from '../../src/sim/win32/mswsock.ts';
import { faultyPlatform } from './faulty-platform.ts';

describe('faultyKernel', () => {
  it('fails nothing until it is told to', async () => {
    const network = simulateNetwork({ seed: 0 });
    const faulty = faultyPlatform(network.platform(), 1);
    const { platform } = faulty;
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const log: string[] = [];
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    pal.asyncAccept(server.handle, (_, client) => {
      pal.asyncWrite(client, new Uint8Array(10), (error) => log.push(`write ${error?.code ?? 'done'}`));
      pal.closeSocket(client);
      pal.closeSocket(server.handle);
    });
    pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => {
      pal.asyncRead(socket, new Uint8Array(10), 10, (error, bytes) => {
        log.push(`read ${error?.code ?? bytes}`);
        pal.closeSocket(socket);
      });
    });
    await network.settle();
    await ended;
    expect(log).to.have.members(['write done', 'read 10']);
    expect(faulty.injected).to.deep.equal({});
  });

  it('fails a call without making it, and says why', () => {
    const network = simulateNetwork({ seed: 0 });
    const faulty = faultyPlatform(network.platform(), 1);
    const { platform } = faulty;
    faulty.oneIn = 1;
    const codes = new Set<number>();
    for (let count = 0; count < 100; count++) {
      expect(platform.ws2_32.WSARecv(1, 2, 1, 3, 4, 5, 0)).to.equal(-1);
      const code = platform.ws2_32.WSAGetLastError();
      expect(platform.kernel32.GetLastError(), 'asked again, either way').to.equal(code);
      codes.add(code);
    }
    expect([...codes]).to.have.members([...new Set(CALL_FAULTS.WSARecv)]);
    expect(codes.has(WSAECONNRESET)).to.equal(true);
    expect(faulty.injected).to.deep.equal({ WSARecv: 100 });
    // Calls that Microsoft lists no such failure for are made.
    expect(platform.ws2_32.closesocket(12345)).to.equal(-1);
    expect(faulty.injected).to.deep.equal({ WSARecv: 100 });
  });

  it('knows how each call says that it failed', () => {
    const network = simulateNetwork({ seed: 0 });
    const faulty = faultyPlatform(network.platform(), 1);
    const { ws2_32, mswsock } = faulty.platform;
    faulty.oneIn = 1;
    const failing = {
      WSARecvFrom: () => ws2_32.WSARecvFrom(1, 2, 1, 3, 4, 5, 6, 7, 0),
      WSASendTo: () => ws2_32.WSASendTo(1, 2, 1, 3, 0, 5, 6, 7, 0),
      TransmitFile: () => mswsock.TransmitFile(POINTERS.TransmitFile)(1, 2, 3, 0, 4, 0, 0),
    };
    const results = { WSARecvFrom: -1, WSASendTo: -1, TransmitFile: 0 } as const;
    for (const name of ['WSARecvFrom', 'WSASendTo', 'TransmitFile'] as const) {
      expect(failing[name](), name).to.equal(results[name]);
      expect(CALL_FAULTS[name]).to.include(ws2_32.WSAGetLastError());
    }
    expect(faulty.injected).to.deep.equal({ WSARecvFrom: 1, WSASendTo: 1, TransmitFile: 1 });
  });

  it('cancels receives under way, which are posted again', async () => {
    const network = simulateNetwork({ seed: 3 });
    const faulty = faultyPlatform(network.platform({ keepAlive: true }), 1);
    const { platform } = faulty;
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const sockets: Parameters<typeof pal.closeSocket>[0][] = [];
    pal.asyncAccept(server.handle, (_, client) => sockets.push(client));
    pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => sockets.push(socket));
    await network.settle(() => sockets.length === 2);
    const seen: (NetworkError | null)[] = [];
    const cancelled = (): number => faulty.injected['WSARecv cancelled'] ?? 0;
    const write = (): void => void pal.asyncWrite(sockets[0] as never, new Uint8Array(1), () => undefined);
    for (let count = 0; count < 200 && cancelled() === 0; count++) {
      faulty.oneIn = 3; // only for the receive that the read posts
      pal.asyncRead(sockets[1] as never, new Uint8Array(1), 1, (error) => seen.push(error));
      faulty.oneIn = 0;
      await network.settle();
      if (cancelled() > 0) break;
      // It failed at once, or it waits: then it is ended, so that the next one is posted anew.
      if (seen.length <= count) write();
      await network.settle();
    }
    expect(cancelled()).to.equal(1);
    const ends = seen.length;
    write();
    await network.settle();
    expect(seen.slice(ends)).to.deep.equal([null]);
    void pal.stopEventLoop();
    await network.settle();
    await ended;
  });
});
