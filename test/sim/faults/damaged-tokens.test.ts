/** Tokens whose fields are damaged or forged: refused with the field's name, nothing is lost, and the stop ends. */
import { expect } from 'chai';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_TCP,
  SOCK_DGRAM,
  SOCK_STREAM,
  WSA_FLAG_OVERLAPPED,
} from '../../../ffi/constants.ts';
import { WSAPROTOCOL_INFOW } from '../../../ffi/layouts.ts';
import {
  createNetworkPal,
  openRemote,
  type NetworkPal,
  type ServerHandle,
  type SocketInfo,
  type SocketHandle,
} from '../../../src/index.ts';
import {
  simulateNetwork,
  type ProfileName,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { MAX_KEPT } from '../../../src/tcp/transfer/sharing.ts';
import { thrownBy } from '../../support/errors.ts';
import { inAnotherRealm } from '../../support/realm.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

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
  family: [5, '4', undefined, 6],
  peer: PEERS,
  protocolInfo: ['', 'x', 7, undefined],
};

/** A WSAPROTOCOL_INFOW in base64, with one of its ints changed. */
function withInt(protocolInfo: string, offset: number, value: number): string {
  const bytes = Buffer.from(protocolInfo, 'base64');
  bytes.writeInt32LE(value, offset);
  return bytes.toString('base64');
}

describe('damaged tokens', () => {
  let network: SimulatedNetwork;
  let platforms: SimulatedPlatform[];

  beforeEach(() => {
    network = simulateNetwork({ seed: 7 });
    platforms = [];
  });

  function start(profile: ProfileName = 'windows'): { pal: NetworkPal; platform: SimulatedPlatform } {
    const platform = network.platform({ profile, keepAlive: true });
    platforms.push(platform);
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
    pal.initialize();
    void pal.runEventLoop();
    return { pal, platform };
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
    for (const platform of platforms) expectNothingLeft(platform);
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

  it('receiveTransfer refuses each of them, and takes the undamaged one', async () => {
    const { pal } = start();
    const token = pal.transfer((await served(pal)).socket);
    refuses((value) => pal.receiveTransfer(value), token, DAMAGED_TOKENS);
    expect(pal.receiveTransfer(token)).to.be.a('number');
    await stop(pal);
  });

  it('openRemote refuses a damaged port, number, queue or kind', async () => {
    const { pal, platform } = start();
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
    refuses((value) => openRemote(value, { platform }), token, damage);
    for (const wrong of [null, 'windows', {}, { kernel32: {} }]) {
      expect(thrownBy(() => openRemote(token, { platform: wrong as never })).code).to.equal('ERR_INVALID_ARG_TYPE');
    }
    openRemote(token, { platform });
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
    here.pal.receiveTransfer(token);
    let message = '';
    const post = here.pal.onRemotePost((bytes) => (message = Buffer.from(bytes).toString()));
    const remote = inAnotherRealm(here.pal.remote());
    expect(remote.queue).not.to.be.instanceOf(SharedArrayBuffer);
    openRemote(remote, { platform: here.platform }).post(post, Buffer.from('hello'));
    await network.settle(() => message !== '');
    expect(message).to.equal('hello');
    await stop(here.pal, there.pal);
  });

  it('importSocket and importServer refuse each of them, and a second use', async () => {
    const [here, there] = [start(), start()];
    const { server, socket } = await served(here.pal);
    const connection = here.pal.exportSocket(socket, there.platform.processId);
    refuses((value) => there.pal.importSocket(value), connection, DAMAGED_INFOS);
    there.pal.importSocket(connection);
    expect(thrownBy(() => there.pal.importSocket(connection)).code).to.equal('ERR_TOKEN_USED');
    const listener = here.pal.exportSocket(server, there.platform.processId);
    refuses((value) => there.pal.importServer(value), listener, DAMAGED_INFOS);
    there.pal.importServer(listener);
    expect(thrownBy(() => there.pal.importServer(listener)).code).to.equal('ERR_TOKEN_USED');
    await stop(here.pal, there.pal);
  });

  it('a SocketInfo that is plausible, and not what the system says, is refused, and can be taken as it was', async () => {
    for (const profile of ['windows', 'wine'] as const) {
      const [here, there] = [start(profile), start(profile)];
      const { server, socket } = await served(here.pal);
      const connection = here.pal.exportSocket(socket, there.platform.processId);
      const listener = here.pal.exportSocket(server, there.platform.processId);
      const { iAddressFamily, iSocketType } = WSAPROTOCOL_INFOW;
      const refused = (call: () => unknown, field: string, truth = ''): void => {
        const error = thrownBy(call);
        expect(error).to.include({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
        expect(error.message).to.contain(`'${field}' is wrong`).and.contain(truth);
      };
      for (const [offset, value] of [
        [iSocketType, SOCK_DGRAM],
        [iAddressFamily, 1],
      ] as const) {
        const protocolInfo = withInt(connection.protocolInfo, offset, value);
        refused(() => there.pal.importSocket({ ...connection, protocolInfo }), 'protocolInfo');
      }
      const protocolInfo = withInt(connection.protocolInfo, iAddressFamily, AF_INET6);
      refused(() => there.pal.importSocket({ ...connection, protocolInfo }), 'family');
      refused(() => there.pal.importSocket({ ...connection, family: 6, protocolInfo }), 'family', 'is of IPv4');
      const peer = { address: '127.0.0.1', port: 1, family: 4 } as const;
      refused(() => there.pal.importSocket({ ...connection, peer }), 'peer', 'connected to 127.0.0.1:');
      refused(() => there.pal.importServer({ ...connection, kind: listener.kind }), 'kind', 'is no listening socket');
      refused(() => there.pal.importSocket({ ...listener, kind: connection.kind }), 'kind', 'is a listening socket');
      expect(there.pal.stats()).to.include({ sockets: 0, servers: 0 });
      there.pal.importSocket(connection);
      there.pal.importServer(listener);
      for (const again of [() => there.pal.importSocket(connection), () => there.pal.importServer(listener)]) {
        const error = thrownBy(again);
        expect(error.code).to.equal('ERR_TOKEN_USED');
        expect(error.message).to.contain('this thread');
      }
      await stop(here.pal, there.pal);
    }
  });

  it('a stop does not touch the socket that has got the number of one that was closed behind its back', async () => {
    const { pal, platform } = start();
    const { socket } = (await served(pal)) as { socket: SocketHandle };
    const token = pal.transfer(socket);
    platform.ws2_32.closesocket(token.socket);
    expect(thrownBy(() => pal.receiveTransfer(token))).to.include({ name: 'NetworkError', code: 'ENOTSOCK' });
    const stranger = platform.ws2_32.WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, 0, WSA_FLAG_OVERLAPPED);
    expect(stranger, 'the same number').to.equal(token.socket);
    void pal.stopEventLoop();
    await network.settle(() => !pal.isRunning());
    expect(platform.openSockets, "the stranger's").to.equal(1);
    platform.ws2_32.closesocket(stranger);
    expectNothingLeft(platform);
  });

  it('of duplicates whose import was refused the last ones are kept', async () => {
    const [here, there] = [start(), start()];
    const infos: SocketInfo[] = [];
    const wrong: Partial<SocketInfo> = { peer: { address: '127.0.0.1', port: 1, family: 4 } };
    for (let count = 0; count < MAX_KEPT + 2; count++) {
      const info = here.pal.exportSocket((await served(here.pal)).socket, there.platform.processId);
      infos.push(info);
      expect(thrownBy(() => there.pal.importSocket({ ...info, ...wrong })).code).to.equal('ERR_INVALID_ARG_VALUE');
    }
    const codes = infos.map((info) => {
      try {
        there.pal.importSocket(info);
        return 'imported';
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    expect(codes).to.deep.equal([...Array<string>(2).fill('EINVAL'), ...Array<string>(MAX_KEPT).fill('imported')]);
    await stop(here.pal, there.pal);
  });
});
