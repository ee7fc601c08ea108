/** reuseSockets on a kernel that fails, is slow, or never answers. */
import { expect } from 'chai';
import { describeSystemError } from '../../../ffi/system-error.ts';
import {
  createNetworkPal,
  type NetworkPal,
  type ServerOptions,
  type ServerSocket,
  type SocketHandle,
} from '../../../src/index.ts';
import {
  CALL_FAULTS,
  simulateNetwork,
  STATUS_FAULTS,
  type PlannedFault,
  type ProfileName,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const GRACE_MS = 500;

interface Scene {
  readonly network: SimulatedNetwork;
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly peer: NetworkPal;
  readonly server: ServerSocket;
  /** Connections whose server side has closed. */
  served: number;
}

/** What the server does with each connection. */
type Serve = (pal: NetworkPal, client: SocketHandle, closed: () => void) => void;

/** Reads to the end and closes. */
const readToTheEnd: Serve = (pal, client, closed) => readAndClose(pal, client, () => pal.closeSocket(client, closed));

function readAndClose(pal: NetworkPal, client: SocketHandle, close: () => void): void {
  const buffer = new Uint8Array(64);
  const read = (): void => {
    pal.asyncRead(client, buffer, 64, (failure, bytes) => {
      if (failure === null && bytes > 0) read();
      else close();
    });
  };
  read();
}

/** Answers, and closes without waiting for the peer's end. */
const endFirst: Serve = (pal, client, closed) => {
  pal.asyncRead(client, new Uint8Array(64), 64, () => {
    pal.asyncWrite(client, Buffer.from('bye'), () => pal.closeSocket(client, closed));
  });
};

function start(
  profile: ProfileName,
  seed: number,
  plan: readonly PlannedFault[] = [],
  acceptDepth: ServerOptions['acceptDepth'] = 1,
  serve: Serve = readToTheEnd,
): Scene {
  const network = simulateNetwork({ seed });
  const platform = network.platform({ profile, keepAlive: true, faults: { plan } });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64, closeGraceMs: GRACE_MS });
  const peers = network.platform({ profile, keepAlive: true });
  const peer = createNetworkPal({ platform: peers, strict: true, maxOperations: 256 });
  for (const one of [pal, peer]) {
    one.initialize();
    void one.runEventLoop();
  }
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth, reuseSockets: true });
  const scene: Scene = { network, platform, pal, peer, server, served: 0 };
  const next = (): void => {
    pal.asyncAccept(server.handle, (error, client) => {
      if (error !== null) return;
      serve(pal, client, () => scene.served++);
      next();
    });
  };
  next();
  return scene;
}

/** One connection from its beginning to its end, which the client comes to first. */
function visit(scene: Scene): void {
  enter(scene);
  scene.network.run();
}

/** It begins. */
function enter({ peer, server }: Scene): void {
  peer.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
    if (error !== null) return;
    peer.asyncWrite(socket, Buffer.from('hello'), () => undefined);
    peer.shutdown(socket, 'send');
    peer.asyncRead(socket, new Uint8Array(8), 8, () => peer.closeSocket(socket));
  });
}

async function end({ network, platform, pal, peer }: Scene): Promise<void> {
  const ended = Promise.all([pal.stopEventLoop(), peer.stopEventLoop()]);
  await network.settle();
  await ended;
  expectNothingLeft(platform);
}

describe('reuseSockets on a simulated platform', () => {
  it('takes no more sockets than wait at a time, in any order', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const scene = start('windows', seed);
      for (let times = 0; times < 10; times++) visit(scene);
      const { reused, accepted, syscalls: calls, droppedPackets } = scene.pal.stats();
      const { served } = scene;
      expect({ accepted, served, droppedPackets }).to.deep.equal({ accepted: 10, served: 10, droppedPackets: 0 });
      expect(reused, `seed ${seed}`).to.be.at.least(8);
      // One looks at the provider, one listens; then a fresh one for every connection on no reused socket, and for the pool.
      expect(calls['WSASocketW']).to.be.at.most(2 + 1 + 10 - reused);
      expect(calls['DisconnectEx']).to.equal(10);
      expect(calls['WSASend'], 'one look at a socket that should be fresh').to.equal(1);
      await end(scene);
    }
  });

  it('asks no second time on a system whose sockets do not become fresh', async () => {
    const scene = start('wine', 1);
    for (let times = 0; times < 10; times++) visit(scene);
    expect(scene.served).to.equal(10);
    const { reused, syscalls: calls, acceptErrors } = scene.pal.stats();
    expect({ reused, acceptErrors, asked: calls['DisconnectEx'] }).to.deep.equal({
      reused: 0,
      acceptErrors: 0,
      asked: 1,
    });
    await end(scene);
  });

  it('keeps no more spare sockets than the pool is deep, however many connections end at once', async () => {
    const scene = start('windows', 3, [], { min: 1, max: 8 });
    const { network, platform, pal } = scene;
    const idle = platform.openHandles;
    for (let times = 0; times < 30; times++) enter(scene);
    network.run(() => scene.served === 30);
    expect(pal.stats().syscalls['DisconnectEx']).to.be.above(16);
    expect(platform.openHandles - idle, 'a grown pool, and as many spares').to.be.at.most(7 + 8);
    // Idle for long enough, the pool is as flat as before, and with it what it keeps.
    const idleAt = network.clock.now + 60_000;
    network.run(() => network.clock.now >= idleAt);
    expect(platform.openHandles - idle, 'one spare').to.be.at.most(1);
    await end(scene);
  });

  it('closes as ever where it ends first: a disconnect would rest in TIME_WAIT', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const scene = start('windows', seed, [], 1, endFirst);
      const { network, pal, peer, server } = scene;
      const startedAt = network.clock.now;
      for (let times = 0; times < 10; times++) {
        // The client sends nothing more when it has been answered: its end comes after the server's.
        peer.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
          if (error !== null) return;
          peer.asyncWrite(socket, Buffer.from('hello'), () => undefined);
          peer.asyncRead(socket, new Uint8Array(8), 8, () => {
            peer.asyncRead(socket, new Uint8Array(8), 8, () => peer.closeSocket(socket));
          });
        });
        network.run(() => scene.served === times + 1);
      }
      expect(network.clock.now - startedAt, `seed ${seed}`).to.be.below(GRACE_MS);
      expect(pal.stats().syscalls['DisconnectEx']).to.equal(0);
      await end(scene);
    }
  });

  it('serves on where some connections are ended by the peer, some by itself, and some by both at once', async () => {
    const eitherFirst: Serve = (pal, client, closed) => {
      if (pal.stats().accepted % 2 === 0) readToTheEnd(pal, client, closed);
      else endFirst(pal, client, closed);
    };
    let reused = 0;
    for (let seed = 0; seed < 20; seed++) {
      const scene = start('windows', seed, [], { min: 1, max: 4 }, eitherFirst);
      const { network, pal } = scene;
      const startedAt = network.clock.now;
      for (let wave = 1; wave <= 3; wave++) {
        for (let times = 0; times < 4; times++) enter(scene);
        network.run(() => scene.served === 4 * wave);
      }
      const { accepted, acceptErrors, droppedPackets } = pal.stats();
      expect({ accepted, acceptErrors, droppedPackets }, `seed ${seed}`).to.deep.equal({
        accepted: 12,
        acceptErrors: 0,
        droppedPackets: 0,
      });
      expect(network.clock.now - startedAt, `seed ${seed}: nothing waits for TIME_WAIT`).to.be.below(GRACE_MS);
      reused += pal.stats().reused;
      await end(scene);
    }
    expect(reused, 'over all seeds').to.be.above(20);
  });

  for (const way of ['stop', 'reset', 'close without a grace'] as const) {
    const limit = way === 'stop' ? GRACE_MS + 10 : 10;
    it(`is done within ${limit} ms when a ${way} comes in the middle of its disconnects`, async () => {
      for (let seed = 0; seed < 8; seed++) {
        const clients: SocketHandle[] = [];
        // What the server has written cannot leave, and the FIN of the disconnect is behind it.
        const writeMuch: Serve = (pal, client, closed) => {
          clients.push(client);
          pal.asyncWrite(client, Buffer.alloc(200_000), () => undefined);
          readToTheEnd(pal, client, closed);
        };
        const scene = start('windows', seed, [], { min: 1, max: 8 }, writeMuch);
        const { network, pal, peer, server } = scene;
        for (let times = 0; times < 3; times++) {
          const stuck = peer.asyncConnect('127.0.0.1', server.port, {}, () => peer.shutdown(stuck, 'send'));
        }
        network.run(() => pal.stats().syscalls['DisconnectEx'] === 3);
        const startedAt = network.clock.now;
        if (way === 'stop') void pal.stopEventLoop();
        else if (way === 'reset') for (const client of clients) pal.resetSocket(client);
        else for (const client of clients) pal.closeSocket(client, { graceMs: 0 });
        await network.settle(() => scene.served === 3);
        expect(scene.served).to.equal(3);
        expect(network.clock.now - startedAt, `seed ${seed}`).to.be.at.most(limit);
        await end(scene);
      }
    });
  }

  for (const graceMs of [0, 50]) {
    it(`waits no longer than the grace of the close: ${graceMs} ms`, async () => {
      for (let seed = 0; seed < 8; seed++) {
        let [closing, closed] = [-1, -1];
        const scene = start('windows', seed, [], 1, (pal, client, done) => {
          pal.asyncWrite(client, Buffer.alloc(200_000), () => undefined);
          readAndClose(pal, client, () => {
            closing = network.clock.now;
            pal.closeSocket(client, { graceMs }, () => {
              closed = network.clock.now;
              done();
            });
          });
        });
        const { network, peer, server } = scene;
        const stuck = peer.asyncConnect('127.0.0.1', server.port, {}, () => peer.shutdown(stuck, 'send'));
        network.run(() => scene.served === 1);
        expect(closed - closing, `seed ${seed}`).to.be.at.most(graceMs + 20);
        await end(scene);
      }
    });
  }

  const faults: PlannedFault[] = [
    ...CALL_FAULTS.DisconnectEx.map((code) => ({ call: 'DisconnectEx', nth: 2, code }) as const),
    ...STATUS_FAULTS.DisconnectEx.map((status) => ({ operation: 'DisconnectEx', nth: 2, status }) as const),
  ];
  for (const fault of faults) {
    const what = 'code' in fault ? describeSystemError(fault.code).name : `a packet of 0x${fault.status.toString(16)}`;
    it(`gives up on the socket after ${what}, and goes on`, async () => {
      const scene = start('windows', 0, [fault]);
      for (let times = 0; times < 5; times++) visit(scene);
      expect(scene.served).to.equal(5);
      const { reused, syscalls: calls, acceptErrors } = scene.pal.stats();
      expect(acceptErrors).to.equal(0);
      expect(calls['DisconnectEx']).to.equal(5);
      expect(reused).to.be.within(1, 3);
      await end(scene);
    });
  }

  it('gives up on a socket that AcceptEx does not take, at once', async () => {
    // The third AcceptEx is the first on a socket that was used before.
    const scene = start('windows', 0, [{ call: 'AcceptEx', nth: 3, code: 10055 }]);
    for (let times = 0; times < 6; times++) visit(scene);
    expect(scene.served).to.equal(6);
    expect(scene.pal.stats().acceptErrors, 'a fresh socket took its place').to.equal(0);
    await end(scene);
  });

  it('does not wait longer than the grace for a disconnect', async () => {
    const scene = start('windows', 0);
    const { network, pal, peer } = scene;
    let stuck = 0 as ReturnType<NetworkPal['asyncConnect']>;
    // 64 KiB of window that nobody reads: what the server has written cannot leave, and the FIN is behind it.
    const silent = pal.createServer('127.0.0.1', 0, { acceptDepth: 1, reuseSockets: true });
    let closed = -1;
    let closing = -1;
    pal.asyncAccept(silent.handle, (_, client) => {
      pal.asyncWrite(client, Buffer.alloc(200_000), () => undefined);
      const buffer = new Uint8Array(8);
      pal.asyncRead(client, buffer, 8, (error, bytes) => {
        expect([error, bytes]).to.deep.equal([null, 0]);
        closing = network.clock.now;
        pal.closeSocket(client, () => {
          closed = network.clock.now;
        });
      });
    });
    stuck = peer.asyncConnect('127.0.0.1', silent.port, {}, () => peer.shutdown(stuck, 'send'));
    network.run(() => closed >= 0);
    expect(closed - closing).to.be.within(400, 1100);
    expect(pal.stats().reused).to.equal(0);
    visit(scene);
    expect(scene.served).to.equal(1);
    await end(scene);
  });
});
