/**
 * V8 may answer `length` of a detached array with what it was, in optimised code that has met both plain and resizable buffers:
 * the look at a user's buffer must not depend on it. So each kind of call is made so often that it is optimised, with both
 * kinds of buffers, and some of them are detached under way.
 */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type SocketHandle, type UdpSocket } from '../../../src/index.ts';
import { simulateNetwork, type SimulatedPlatform } from '../../../src/sim/index.ts';

/** Calls of each kind: V8 optimises what has run some thousand times. */
const CALLS = 20_000;
/** One in so many buffers is detached: an odd number, so that both kinds are. */
const DETACHED = 777;
const SIZE = 100;

/** ES2024's, which the library of TypeScript that is used here does not declare. */
const Resizable = ArrayBuffer as unknown as new (byteLength: number, limits: { maxByteLength: number }) => ArrayBuffer;

function nextBuffer(count: number): Uint8Array {
  return new Uint8Array(count % 2 === 0 ? new ArrayBuffer(SIZE) : new Resizable(SIZE, { maxByteLength: 2 * SIZE }));
}

function detach({ buffer }: Uint8Array): void {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
}

describe('a buffer that is detached under way is noticed by optimised code too', function () {
  /** A PAL with a connection to itself and a UDP socket. */
  function open(): {
    platform: SimulatedPlatform;
    pal: NetworkPal;
    served: SocketHandle;
    client: SocketHandle;
    udp: UdpSocket;
  } {
    const network = simulateNetwork({ seed: 0, plain: true, maxSteps: Infinity });
    const platform = network.platform({ profile: 'windows', keepAlive: true });
    const pal = createNetworkPal({ platform, strict: true });
    pal.initialize();
    void pal.runEventLoop();
    const server = pal.createServer('127.0.0.1', 0);
    let served = 0 as SocketHandle;
    pal.asyncAccept(server.handle, (_error, socket) => (served = socket));
    const client = pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
    const udp = pal.createUdpSocket('127.0.0.1', 0);
    platform.run();
    return { platform, pal, served, client, udp };
  }

  const isGone = (count: number): boolean => count % DETACHED === DETACHED - 1;
  /** What one call in DETACHED gets. */
  const expectNoticed = (codes: (string | undefined)[]): void => {
    expect(codes).to.have.lengthOf(CALLS);
    const others = codes.filter((code, count) => code !== (isGone(count) ? 'ERR_BUFFER_DETACHED' : undefined));
    expect(others, 'other answers').to.deep.equal([]);
  };

  it('by reads', () => {
    const { platform, pal, served, client } = open();
    const codes: (string | undefined)[] = [];
    for (let count = 0; count < CALLS; count++) {
      const target = nextBuffer(count);
      pal.asyncRead(served, target, SIZE, (error) => codes.push(error?.code));
      if (isGone(count)) detach(target);
      pal.asyncWrite(client, Buffer.alloc(10), () => undefined);
      platform.run();
      if (isGone(count)) expect(pal.tryRead(served, Buffer.alloc(SIZE)), 'left over').to.equal(10);
    }
    expectNoticed(codes);
  });

  it('by writes', () => {
    const { platform, pal, served, client } = open();
    const codes: (string | undefined)[] = [];
    for (let count = 0; count < CALLS; count++) {
      const data = nextBuffer(count);
      // It waits behind the first, and is looked at again when that one has gone.
      pal.asyncWrite(client, nextBuffer(count), () => undefined);
      pal.asyncWrite(client, data, (error) => codes.push(error?.code));
      if (isGone(count)) detach(data);
      platform.run();
      pal.tryRead(served, Buffer.alloc(4 * SIZE));
    }
    expectNoticed(codes);
  });

  it('by datagrams that come', () => {
    const { platform, pal, udp } = open();
    const codes: (string | undefined)[] = [];
    for (let count = 0; count < CALLS; count++) {
      const target = nextBuffer(count);
      pal.asyncReceiveFrom(udp.handle, target, SIZE, (error) => codes.push(error?.code));
      if (isGone(count)) detach(target);
      pal.asyncSendTo(udp.handle, Buffer.alloc(10), udp, () => undefined);
      platform.run();
    }
    expectNoticed(codes);
  });
});
