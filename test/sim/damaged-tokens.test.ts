/** Tokens whose fields are damaged or forged: refused with the field's name, nothing is lost, and the stop ends. */
import { expect } from 'chai';
import {
  createNetworkPal,
  openRemote,
  type NetworkPal,
  type ServerHandle,
  type SocketHandle,
} from '../../src/index.ts';
import { simulateNetwork, type SimulatedKernel, type SimulatedNetwork } from '../../src/sim/index.ts';
import { thrownBy } from '../support/errors.ts';
import { inAnotherRealm } from '../support/realm.ts';
import { expectNothingLeft } from './support/nothing-left.ts';

const PEER = { address: '127.0.0.1', port: 80, family: 4 };
const PEERS = ['x', undefined, {}, { ...PEER, address: 'x' }, { ...PEER, port: 65_536 }, { ...PEER, family: 5 }];
const DAMAGED_TOKENS: Readonly<Record<string, readonly unknown[]>> = {
  kind: ['iocp-pal/remote', undefined],
  socket: ['x', Number.NaN, 1.5, -1, 0, 2 ** 64, null, undefined, 5n],
  family: [5, '4', undefined],
  peer: PEERS,
  taken: [
    null,
    [0],
    new Int32Array(1),
    new Int32Array(new SharedArrayBuffer(0)),
    new Uint8Array(new SharedArrayBuffer(4)),
  ],
};
const DAMAGED_INFOS: Readonly<Record<string, readonly unknown[]>> = {
  kind: ['iocp-pal/socket', undefined],
  id: [1, '', undefined],
  pid: ['x', -1, 1.5, undefined],
  family: [5, '4', undefined],
  peer: PEERS,
  protocolInfo: ['', 'x', 7, undefined],
};

describe('damaged tokens', () => {
  let network: SimulatedNetwork;
  let kernels: SimulatedKernel[];

  beforeEach(() => {
    network = simulateNetwork({ seed: 7 });
    kernels = [];
  });

  function start(): { pal: NetworkPal; kernel: SimulatedKernel } {
    const kernel = network.kernel({ profile: 'windows', keepAlive: true });
    kernels.push(kernel);
    const pal = createNetworkPal({ kernel, strict: true });
    pal.initialize();
    void pal.runEventLoop();
    return { pal, kernel };
  }

  async function served(pal: NetworkPal): Promise<{ server: ServerHandle; socket: SocketHandle }> {
    const server = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    let socket = 0 as SocketHandle;
    pal.asyncAccept(server.handle, (_error, accepted) => (socket = accepted));
    pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
    await network.settle(() => socket !== 0);
    return { server: server.handle, socket };
  }

  async function stop(...pals: NetworkPal[]): Promise<void> {
    for (const pal of pals) void pal.stopEventLoop();
    await network.settle(() => pals.every((pal) => !pal.isRunning()));
    expect(pals.map((pal) => pal.isRunning())).to.deep.equal(pals.map(() => false));
    for (const kernel of kernels) expectNothingLeft(kernel);
  }

  function refuses(
    call: (value: never) => unknown,
    good: object,
    damage: Readonly<Record<string, readonly unknown[]>>,
  ): void {
    for (const value of [null, undefined, 1, 'x', []]) {
      expect(thrownBy(() => call(value as never)).code).to.equal('ERR_INVALID_ARG_VALUE');
    }
    for (const [field, values] of Object.entries(damage)) {
      for (const value of values) {
        const error = thrownBy(() => call({ ...good, [field]: value } as never));
        expect(error, field).to.include({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
        expect(error.message).to.contain(`'${field}'`);
      }
    }
  }

  it('adopt refuses each of them, and takes the undamaged one', async () => {
    const { pal } = start();
    const token = pal.transfer((await served(pal)).socket);
    refuses((value) => pal.adopt(value), token, DAMAGED_TOKENS);
    expect(pal.adopt(token)).to.be.a('number');
    await stop(pal);
  });

  it('openRemote refuses a damaged port, number, queue or kind', async () => {
    const { pal, kernel } = start();
    const token = pal.remote();
    const damage = {
      kind: ['iocp-pal/socket', undefined],
      port: ['x', 0, -1, 1.5, Number.NaN, undefined],
      pal: ['x', -1, 1.5, 2 ** 13, undefined],
      queue: [
        null,
        new ArrayBuffer(token.queue.byteLength),
        undefined,
        ...[0, 8, token.queue.byteLength - 4, token.queue.byteLength + 4].map((size) => new SharedArrayBuffer(size)),
      ],
    };
    refuses((value) => openRemote(value, { kernel }), token, damage);
    for (const wrong of [null, 'windows', {}, { kernel32: {} }]) {
      expect(thrownBy(() => openRemote(token, { kernel: wrong as never })).code).to.equal('ERR_INVALID_ARG_TYPE');
    }
    openRemote(token, { kernel });
    await stop(pal);
  });

  it('a server that spreads says which of its loops is damaged', async () => {
    const { pal } = start();
    const token = pal.remote();
    for (const damage of [{ queue: new SharedArrayBuffer(8) }, { port: 'x' }]) {
      const loops = [token, { ...token, ...damage } as never];
      const error = thrownBy(() => pal.createServer('127.0.0.1', 0, { spread: { loops } }));
      expect(error).to.include({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
      expect(error.message)
        .to.contain('spread.loops[1]')
        .and.contain(`'${String(Object.keys(damage)[0])}'`);
    }
    await stop(pal);
  });

  it('a token of another realm, as a message is in jest, is as good as any', async () => {
    const [here, there] = [start(), start()];
    const { socket } = await served(here.pal);
    const token = inAnotherRealm(here.pal.transfer(socket));
    expect(token.taken).not.to.be.instanceOf(Int32Array);
    here.pal.adopt(token);
    let message = '';
    const post = here.pal.onRemotePost((bytes) => (message = Buffer.from(bytes).toString()));
    const remote = inAnotherRealm(here.pal.remote());
    expect(remote.queue).not.to.be.instanceOf(SharedArrayBuffer);
    openRemote(remote, { kernel: here.kernel }).post(post, Buffer.from('hello'));
    await network.settle(() => message !== '');
    expect(message).to.equal('hello');
    await stop(here.pal, there.pal);
  });

  it('importSocket and importServer refuse each of them, and a second use', async () => {
    const [here, there] = [start(), start()];
    const { server, socket } = await served(here.pal);
    const connection = here.pal.exportSocket(socket, there.kernel.processId);
    refuses((value) => there.pal.importSocket(value), connection, DAMAGED_INFOS);
    there.pal.importSocket(connection);
    expect(thrownBy(() => there.pal.importSocket(connection)).code).to.equal('ERR_TOKEN_USED');
    const listener = here.pal.exportSocket(server, there.kernel.processId);
    refuses((value) => there.pal.importServer(value), listener, DAMAGED_INFOS);
    there.pal.importServer(listener);
    expect(thrownBy(() => there.pal.importServer(listener)).code).to.equal('ERR_TOKEN_USED');
    await stop(here.pal, there.pal);
  });
});
