/** Client editions of Windows carry out two TransmitFile at a time: nothing of the library's may count on more. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkError, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulateNetwork, type SimulatedPlatform } from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const CONNECTIONS = 10;
const FILE_BYTES = 100_000;

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly served: SocketHandle[];
  readonly clients: SocketHandle[];
  readonly end: () => Promise<void>;
}

function open(seed: number): Bench {
  const network = simulateNetwork({ seed, plain: true });
  const platform = network.platform({
    profile: 'windows',
    keepAlive: true,
    sendBufferSize: 5000,
    receiveBufferSize: 5000,
  });
  platform.files.put('file', Buffer.alloc(FILE_BYTES, 7));
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 128 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0);
  const [served, clients]: [SocketHandle[], SocketHandle[]] = [[], []];
  for (let count = 0; count < CONNECTIONS; count++) {
    pal.asyncAccept(server.handle, (_error, socket) => served.push(socket));
    clients.push(pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined));
  }
  platform.run();
  expect(served).to.have.lengthOf(CONNECTIONS);
  const end = async (): Promise<void> => {
    void pal.stopEventLoop();
    await network.settle();
    await ended;
    expectNothingLeft(platform);
  };
  return { platform, pal, served, clients, end };
}

/** Reads until the end or an error. Returns how many bytes have come. */
function drain(pal: NetworkPal, socket: SocketHandle): { bytes: number } {
  const got = { bytes: 0 };
  const buffer = new Uint8Array(65536);
  const next = (): void =>
    void pal.asyncRead(socket, buffer, buffer.length, (error, bytes) => {
      if (error !== null || bytes === 0) return;
      got.bytes += bytes;
      next();
    });
  next();
  return got;
}

/** Two files that cannot go on: the send buffers before them are full, and the peers do not read. */
function holdUp({ platform, pal, served }: Bench): void {
  for (const socket of served.slice(0, 2)) {
    pal.asyncWrite(socket, Buffer.alloc(50_000), () => undefined);
    pal.asyncSendFile(socket, 'file', {}, () => undefined);
  }
  platform.run();
}

describe('more TransmitFile than the system carries out at a time', () => {
  it('all end, and every byte comes', async () => {
    const { platform, pal, served, clients, end } = open(1);
    const outcomes: (string | number)[] = [];
    for (const socket of served)
      pal.asyncSendFile(socket, 'file', {}, (error, bytes) => outcomes.push(error?.code ?? bytes));
    const got = clients.map((client) => drain(pal, client));
    platform.run();
    expect(outcomes).to.deep.equal(Array<number>(CONNECTIONS).fill(FILE_BYTES));
    expect(got.map(({ bytes }) => bytes)).to.deep.equal(Array<number>(CONNECTIONS).fill(FILE_BYTES));
    await end();
  });

  it('the others wait while the first two have peers that do not read', async () => {
    const bench = open(2);
    const { platform, pal, served, clients, end } = bench;
    holdUp(bench);
    const outcomes: (string | number)[] = [];
    for (const socket of served.slice(2))
      pal.asyncSendFile(socket, 'file', {}, (error, bytes) => outcomes.push(error?.code ?? bytes));
    platform.run();
    expect(outcomes, 'two hold up the rest').to.deep.equal([]);
    for (const client of clients) drain(pal, client);
    platform.run();
    expect(outcomes).to.have.lengthOf(CONNECTIONS - 2);
    await end();
  });

  for (const [what, act] of Object.entries({
    cancel: (pal: NetworkPal, operation: number) => void pal.cancel(operation as never, { hard: true }),
    resetSocket: (pal: NetworkPal, _operation: number, socket: SocketHandle) => pal.resetSocket(socket),
    closeSocket: (pal: NetworkPal, _operation: number, socket: SocketHandle) => pal.closeSocket(socket),
  })) {
    it(`one that waits for its turn ends with ${what}`, async () => {
      const bench = open(3);
      const { platform, pal, served, end } = bench;
      holdUp(bench);
      const errors: (NetworkError | null)[] = [];
      const third = served[2]!;
      const operation = pal.asyncSendFile(third, 'file', {}, (error) => errors.push(error));
      platform.run();
      expect(errors, 'it waits').to.deep.equal([]);
      act(pal, operation, third);
      platform.network.run(() => errors.length === 1);
      expect(errors).to.have.lengthOf(1);
      expect(errors[0]).to.have.property('name', 'NetworkError');
      await end();
    });
  }
});
