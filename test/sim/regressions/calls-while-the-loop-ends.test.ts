/**
 * closeSocket() threw while stopEventLoop() was ending.
 *
 * When the last socket is gone, the waiter thread ends and the port is closed, which takes a moment. isRunning() is true until
 * then and closing is allowed, says the contract; but there was no context any more, and the timer of createIdleTimeout, which
 * asks isRunning() before it closes, ended the process with an uncaught exception.
 */
import { expect } from 'chai';
import { createNetworkPal, NetworkErrorCode, type NetworkError } from '../../../src/index.ts';
import { simulatePlatform } from '../../../src/sim/index.ts';

const isClosed = (error: NetworkError | null): boolean => error?.kind === NetworkErrorCode.ConnectionClosed;

describe('calls while the waiter of a stopping loop ends', () => {
  it('are answered, and closing is allowed', async () => {
    const platform = simulatePlatform({ seed: 0, keepAlive: true });
    const createWaiter = platform.createWaiter.bind(platform);
    let whenEnding = (): void => undefined;
    platform.createWaiter = (kind, parts) => {
      const waiter = createWaiter(kind, parts);
      const stop = waiter.stop.bind(waiter);
      waiter.stop = async () => {
        await stop();
        whenEnding();
      };
      return waiter;
    };
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    const ended = pal.runEventLoop();
    const server = pal.createServer('127.0.0.1', 0);
    const socket = pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
    await platform.settle();
    const log: string[] = [];
    whenEnding = () => {
      expect(pal.isRunning()).to.equal(true);
      pal.closeSocket(socket, () => log.push('closed'));
      pal.resetSocket(socket);
      pal.asyncWrite(socket, new Uint8Array(1), (error) => log.push(`write ${isClosed(error)}`));
      pal.asyncRead(socket, new Uint8Array(1), 1, (error) => log.push(`read ${isClosed(error)}`));
      expect(log, 'never inside the call').to.deep.equal([]);
      expect(() => pal.createServer('127.0.0.1', 0))
        .to.throw()
        .with.property('code', 'ERR_EVENT_LOOP_STOPPED');
    };
    const stopped = pal.stopEventLoop();
    await platform.settle();
    await Promise.all([ended, stopped]);
    await platform.settle();
    expect(log).to.deep.equal(['closed', 'write true', 'read true']);
    expect(pal.isRunning()).to.equal(false);
    pal.closeSocket(socket, () => log.push('closed again'));
    await platform.settle();
    expect(log.at(-1)).to.equal('closed again');
  });
});
