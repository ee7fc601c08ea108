/** sharedPal(): one PAL per holder, which needs nobody to start it, and another one when the first has stopped. */
import process from 'node:process';
import { expect } from 'chai';
import { sharedPal, type NetworkPal } from '../../src/index.ts';
import { sharedPalOf, type SharedPalHolder } from '../../src/api/shared-pal.ts';
import {
  simulateNetwork,
  type PlannedFault,
  type PlatformOptions,
  type SimulatedPlatform,
} from '../../src/sim/index.ts';
import { ERROR_NO_SYSTEM_RESOURCES } from '../../ffi/wsa-errors.ts';
import { thrownBy } from '../support/errors.ts';

function start(options: PlatformOptions = {}): {
  platform: SimulatedPlatform;
  shared: () => NetworkPal;
} {
  const platform = simulateNetwork({ seed: 1 }).platform({ keepAlive: true, ...options });
  const holder: SharedPalHolder = {};
  return { platform, shared: () => sharedPalOf(holder, { platform, strict: true, waiter: 'inline' }) };
}

describe('sharedPal', () => {
  it('is the same for all who ask, and runs', async () => {
    const { platform, shared } = start();
    const pal = shared();
    expect(shared()).to.equal(pal);
    expect(pal.isRunning()).to.equal(true);
    const log: string[] = [];
    const server = shared().createServer('127.0.0.1', 0);
    shared().asyncAccept(server.handle, (error) => log.push(error?.code ?? 'accepted'));
    shared().asyncConnect('127.0.0.1', server.port, {}, (error) => log.push(error?.code ?? 'connected'));
    await platform.settle();
    expect(log).to.have.members(['accepted', 'connected']);
    void pal.stopEventLoop();
    await platform.settle();
  });

  it('goes on when nothing keeps the process alive', async () => {
    const { platform, shared } = start({ keepAlive: false });
    const pal = shared();
    const server = pal.createServer('127.0.0.1', 0);
    const log: string[] = [];
    pal.asyncAccept(server.handle, (error) => log.push(error?.code ?? 'accepted'));
    pal.unref(server.handle);
    await platform.settle();
    expect(log).to.deep.equal([]);
    expect(pal.getLocalPort(server.handle)).to.equal(server.port);
    expect(shared()).to.equal(pal);
    void pal.stopEventLoop();
    await platform.settle();
    expect(log).to.deep.equal(['ECANCELED']);
  });

  it('takes a single write that is larger than the queue of other PALs', async () => {
    const { platform, shared } = start();
    const pal = shared();
    const server = pal.createServer('127.0.0.1', 0);
    const log: string[] = [];
    pal.asyncConnect('127.0.0.1', server.port, {}, (error, client) => {
      if (error !== null) throw error;
      const bytes = 65 * 1024 * 1024;
      pal.asyncWrite(client, Buffer.alloc(bytes), (failure) => log.push(failure?.code ?? 'written'));
      log.push(`${bytes - pal.getQueuedBytes(client)} sent`);
      pal.resetSocket(client);
    });
    await platform.settle();
    expect(log).to.deep.equal(['0 sent', 'ECANCELED']);
    void pal.stopEventLoop();
    await platform.settle();
  });

  it('is another one as soon as somebody has asked it to stop', async () => {
    const { platform, shared } = start();
    const first = shared();
    void first.stopEventLoop();
    const second = shared();
    expect(second).to.not.equal(first);
    expect(second.isRunning()).to.equal(true);
    await platform.settle();
    expect(first.isRunning()).to.equal(false);
    expect(shared()).to.equal(second);
    void second.stopEventLoop();
    await platform.settle();
    expect(shared()).to.not.equal(second);
    void shared().stopEventLoop();
    await platform.settle();
  });

  it('is another one when the system cannot be waited for any more, and a warning says so', async () => {
    const plan: PlannedFault[] = [
      { call: 'GetQueuedCompletionStatusEx', nth: 1, code: ERROR_NO_SYSTEM_RESOURCES, lasting: true },
    ];
    const { platform, shared } = start({ faults: { plan } });
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const first = shared();
    const log: string[] = [];
    const server = first.createServer('127.0.0.1', 0);
    first.asyncAccept(server.handle, (error) => log.push(error?.code ?? 'accepted'));
    await platform.settle(() => !first.isRunning());
    expect(log).to.deep.equal(['ECANCELED']);
    expect(await warned).to.include({ code: 'IOCP_PAL_SHARED_LOOP_FAILED' });
    plan.length = 0;
    expect(shared()).to.not.equal(first);
    void shared().stopEventLoop();
    await platform.settle();
  });

  it('keeps nothing where it cannot be started', () => {
    const { platform } = start({ layeredProvider: true });
    const holder: SharedPalHolder = {};
    for (const _attempt of [1, 2]) {
      expect(thrownBy(() => sharedPalOf(holder, { platform })).code).to.equal('ERR_LAYERED_SERVICE_PROVIDER');
    }
    expect(Reflect.ownKeys(holder)).to.deep.equal([]);
  });

  if (process.platform !== 'win32') {
    it('throws what initialize() throws elsewhere than on Windows', () => {
      expect(thrownBy(() => sharedPal()).code).to.equal('ERR_UNSUPPORTED_PLATFORM');
    });
  }
});
