/**
 * A connection that its peer reset between ConnectEx and the connect's callback was told as ENOTCONN: that is what Windows
 * answers SO_UPDATE_CONNECT_CONTEXT with then. It was connected, and has been reset: ECONNRESET says so, and is the word
 * that users test for.
 */
import { expect } from 'chai';
import { WSAENOTCONN } from '../../../ffi/wsa-errors.ts';
import { createNetworkPal, NetworkErrorCode, type NetworkError } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';

describe('a connection that is reset before its connect callback', () => {
  it('is told as ECONNRESET, ConnectionReset', async () => {
    const network = simulateNetwork({ seed: 0 });
    // The first is SO_REUSE_UNICASTPORT.
    const faults = { plan: [{ call: 'setsockopt', nth: 2, code: WSAENOTCONN }] } as const;
    const platform = network.platform({ keepAlive: true, faults });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    const peer = createNetworkPal({ platform: network.platform({ keepAlive: true }), maxOperations: 64 });
    for (const each of [pal, peer]) each.initialize();
    const ended = Promise.all([pal.runEventLoop(), peer.runEventLoop()]);
    const server = peer.createServer('127.0.0.1', 0, { acceptDepth: 1 });
    const errors: (NetworkError | null)[] = [];
    pal.asyncConnect('127.0.0.1', server.port, {}, (error) => errors.push(error));
    await network.settle(() => errors.length > 0);
    const [error] = errors;
    expect(error).to.include({ code: 'ECONNRESET', kind: NetworkErrorCode.ConnectionReset, port: server.port });
    expect(error?.message).to.include('setsockopt(SO_UPDATE_CONNECT_CONTEXT)');
    void pal.stopEventLoop();
    void peer.stopEventLoop();
    await network.settle();
    await ended;
    expect(platform.openHandles).to.equal(0);
  });
});
