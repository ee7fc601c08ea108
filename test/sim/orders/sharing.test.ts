/**
 * Sockets that go from one simulated process to another, in many orders of events: connections move with their bytes, and
 * a server is accepted from by several processes at once, by packets in the first and by an event in the others.
 */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type ServerHandle, type SocketHandle } from '../../../src/index.ts';
import {
  simulateNetwork,
  type ProfileName,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { thrownBy } from '../../support/errors.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

/** Runs with a shared server: each has its own order of steps. Of moving connections, a tenth as many. */
const SEEDS = isLong ? 200 : 80;

interface Process {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly ended: Promise<void>;
}

function start(network: SimulatedNetwork, profile: ProfileName = 'windows'): Process {
  const platform = network.platform({ profile, keepAlive: true });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
  pal.initialize();
  return { platform, pal, ended: pal.runEventLoop() };
}

async function stop(network: SimulatedNetwork, processes: Process[]): Promise<void> {
  for (const { pal } of processes) void pal.stopEventLoop();
  let ended = 0;
  for (const one of processes) void one.ended.then(() => ended++);
  await network.settle(() => ended === processes.length);
  expect(ended, 'loops that have ended').to.equal(processes.length);
  for (const { platform } of processes) {
    expectNothingLeft(platform);
  }
}

/** Answers a connection's first byte with `name`. */
function answer(pal: NetworkPal, socket: SocketHandle, name: number): void {
  const buffer = new Uint8Array(1);
  pal.asyncRead(socket, buffer, 1, (error, bytes) => {
    if (error === null && bytes === 1) pal.asyncWrite(socket, Uint8Array.of(name), () => undefined);
  });
}

function acceptAll(pal: NetworkPal, server: ServerHandle, name: number): void {
  pal.asyncAccept(server, (error, socket) => {
    if (error !== null) return;
    answer(pal, socket, name);
    acceptAll(pal, server, name);
  });
}

describe('sockets between simulated processes', () => {
  for (const profile of ['windows', 'wine'] as const) {
    it(`a connection moves with the bytes that were on their way (${profile})`, async () => {
      for (let seed = 1; seed <= SEEDS / 10; seed++) {
        const network = simulateNetwork({ seed });
        const [here, there] = [start(network, profile), start(network, profile)];
        const server = here.pal.createServer('127.0.0.1', 0, { deferAssociation: true });
        let served = 0 as SocketHandle;
        here.pal.asyncAccept(server.handle, (_error, socket) => (served = socket));
        let heard = '';
        here.pal.asyncConnect('127.0.0.1', server.port, {}, (_error, client) => {
          const buffer = Buffer.alloc(100);
          const listen = (): void => {
            here.pal.asyncRead(client, buffer, 100, (error, bytes) => {
              if (error !== null || bytes === 0) return;
              heard += buffer.toString('latin1', 0, bytes);
              listen();
            });
          };
          here.pal.asyncWrite(client, Buffer.from('early '), () => undefined);
          here.pal.asyncWrite(client, Buffer.from('late'), () => undefined);
          listen();
        });
        await network.settle(() => served !== 0);
        const info = here.pal.exportSocket(served, there.platform.processId);
        expect(thrownBy(() => here.pal.importSocket(info)).code).to.equal('ERR_WRONG_PROCESS');
        const moved = there.pal.importSocket(structuredClone(info));
        expect(thrownBy(() => there.pal.importSocket(info)).code, 'a second import').to.equal('ERR_TOKEN_USED');
        const buffer = Buffer.alloc(100);
        const echo = (): void => {
          there.pal.asyncRead(moved, buffer, 100, (error, bytes) => {
            if (error !== null || bytes === 0) return;
            there.pal.asyncWrite(moved, Buffer.from(buffer.subarray(0, bytes)), echo);
          });
        };
        echo();
        await network.settle(() => heard.length === 10);
        expect(heard, `seed ${seed}`).to.equal('early late');
        await stop(network, [here, there]);
      }
    });
  }

  it('three processes accept from one server: no connection is forgotten, and each of them can end', async () => {
    const served = [0, 0, 0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const network = simulateNetwork({ seed });
      const [first, second, third, client] = [start(network), start(network), start(network), start(network)];
      const server = first.pal.createServer('127.0.0.1', 0, { acceptDepth: 2 });
      acceptAll(first.pal, server.handle, 1);
      for (const [index, { pal, platform }] of [second, third].entries()) {
        const info = first.pal.exportSocket(server.handle, platform.processId);
        const imported = pal.importServer(info, { acceptDepth: 3 });
        expect(imported.port).to.equal(server.port);
        acceptAll(pal, imported.handle, index + 2);
      }
      let answered = 0;
      let failed = 0;
      const connections = 12;
      for (let count = 0; count < connections; count++) {
        client.pal.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
          if (error !== null) {
            failed++;
            return;
          }
          const buffer = new Uint8Array(1);
          client.pal.asyncWrite(socket, Uint8Array.of(9), () => undefined);
          client.pal.asyncRead(socket, buffer, 1, (failure, bytes) => {
            if (failure !== null || bytes !== 1) {
              failed++;
              return;
            }
            answered++;
            const name = buffer[0] ?? 0;
            expect(name, `seed ${seed}: who answers`).to.be.within(1, 3);
            served[name] = (served[name] ?? 0) + 1;
          });
        });
      }
      await network.settle(() => answered + failed === connections);
      expect({ answered, failed }, `seed ${seed}`).to.deep.equal({ answered: connections, failed: 0 });
      expect(second.pal.stats().syscalls, `seed ${seed}`).to.include({ CreateEventW: 1 });
      // Those that end leave the server to the others, also the one whose port it is tied to.
      await stop(network, [first, third]);
      client.pal.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
        expect(error, `seed ${seed}`).to.equal(null);
        client.pal.asyncWrite(socket, Uint8Array.of(9), () => undefined);
        client.pal.asyncRead(socket, new Uint8Array(1), 1, (failure) => {
          if (failure === null) answered++;
        });
      });
      await network.settle(() => answered === connections + 1);
      expect(answered, `seed ${seed}, after the others have ended`).to.equal(connections + 1);
      await stop(network, [second, client]);
    }
    for (const count of served.slice(1)) expect(count, `each takes its share: ${served.join()}`).to.be.above(SEEDS);
  });
});
