/**
 * A server that several processes accept from, and the thread of one of them that waits for its event: the thread dies at any
 * moment, or its wait fails from any moment on. No connection is forgotten, and no call.
 */
import { expect } from 'chai';
import { ERROR_NO_SYSTEM_RESOURCES } from '../../../ffi/wsa-errors.ts';
import { createNetworkPal, NetworkError, type NetworkPal, type ServerHandle } from '../../../src/index.ts';
import {
  simulateNetwork,
  type FaultOptions,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { isLong } from '../../support/extent.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const SEEDS = isLong ? 150 : 50;
const MOMENTS = 8;
const CONNECTIONS = 8;

interface SimulatedPal {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly end: { error: unknown; ended: boolean };
  /** Connections that it has accepted. */
  accepted: number;
  /** Accepts that failed. */
  failed: string[];
}

function start(network: SimulatedNetwork, faults?: FaultOptions): SimulatedPal {
  const platform = network.platform({ keepAlive: true, ...(faults === undefined ? {} : { faults }) });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
  pal.initialize();
  const end = { error: null as unknown, ended: false };
  pal.runEventLoop().then(
    () => (end.ended = true),
    (error: unknown) => Object.assign(end, { error, ended: true }),
  );
  return { platform, pal, end, accepted: 0, failed: [] };
}

function acceptAll(owner: SimulatedPal, server: ServerHandle): void {
  const { pal } = owner;
  pal.asyncAccept(server, (error, socket) => {
    if (error !== null) {
      owner.failed.push(error.code);
      return;
    }
    owner.accepted++;
    pal.asyncWrite(socket, Uint8Array.of(1), () => pal.closeSocket(socket));
    acceptAll(owner, server);
  });
}

/** A server of the first process that the second accepts from as well, by an event. */
function share(first: SimulatedPal, second: SimulatedPal): number {
  const server = first.pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  const info = first.pal.exportSocket(server.handle, second.platform.processId);
  acceptAll(second, second.pal.importServer(info, { acceptDepth: 2 }).handle);
  acceptAll(first, server.handle);
  return server.port;
}

/** Connects, and counts those that were answered. */
function visit(client: SimulatedPal, port: number): { answered: number } {
  const visits = { answered: 0 };
  for (let count = 0; count < CONNECTIONS; count++) {
    client.pal.asyncConnect('127.0.0.1', port, {}, (error, socket) => {
      if (error !== null) return;
      client.pal.asyncRead(socket, new Uint8Array(1), 1, (failure, bytes) => {
        if (failure === null && bytes === 1) visits.answered++;
        client.pal.closeSocket(socket);
      });
    });
  }
  return visits;
}

async function stop(network: SimulatedNetwork, pals: readonly SimulatedPal[], where: string): Promise<void> {
  for (const { pal } of pals) void pal.stopEventLoop();
  await network.settle(() => pals.every(({ end }) => end.ended));
  await network.settle();
  for (const { platform, pal, end } of pals) {
    expect(end.ended, where).to.equal(true);
    expect(pal.isRunning(), where).to.equal(false);
    expectNothingLeft(platform, where);
  }
}

describe('the thread that waits for the event of a shared server', () => {
  it('dies at any moment, and no connection is forgotten', async () => {
    let deaths = 0;
    let shared = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const network = simulateNetwork({ seed });
      const [first, second, client] = [start(network), start(network, { threads: 3 }), start(network)];
      const port = share(first, second);
      const visits = visit(client, port);
      await network.settle(() => visits.answered === CONNECTIONS);
      expect(visits.answered, `seed ${seed}`).to.equal(CONNECTIONS);
      await stop(network, [first, second, client], `seed ${seed}`);
      expect(second.end.error, `seed ${seed}`).to.equal(null);
      deaths += second.platform.eventWaitersLost;
      shared += second.accepted;
    }
    expect(deaths, 'threads that died').to.be.above(SEEDS / 4);
    expect(shared, 'connections that were accepted by the event').to.be.above(SEEDS);
  });

  it('cannot wait any more, nor the loop in its place: the loop ends, and the others accept', async () => {
    let failures = 0;
    for (let nth = 1; nth <= MOMENTS; nth++) {
      for (let seed = 1; seed <= SEEDS / 10; seed++) {
        const where = `from wait ${nth} on, seed ${seed}`;
        const fault = { call: 'WaitForSingleObject', nth, code: ERROR_NO_SYSTEM_RESOURCES, lasting: true } as const;
        const network = simulateNetwork({ seed });
        const [first, second, client] = [start(network), start(network, { plan: [fault] }), start(network)];
        const port = share(first, second);
        // (Those that the second has in hand at that moment are reset.)
        visit(client, port);
        await network.settle();
        if (second.end.ended) {
          failures++;
          expect(second.end.error, where).to.be.instanceOf(NetworkError);
          const said = { code: 'ERR_EVENT_LOOP_FAILED', syscall: 'WaitForSingleObject' };
          expect(second.end.error, where).to.include({ ...said, systemErrorCode: ERROR_NO_SYSTEM_RESOURCES });
          expect(second.failed, `${where}: the accept that waited`).to.deep.equal(['ECANCELED']);
        }
        const wasOver = second.end.ended;
        const later = visit(client, port);
        await network.settle();
        // What comes now is the first one's.
        if (wasOver) expect(later.answered, where).to.equal(CONNECTIONS);
        await stop(network, [first, second, client], where);
      }
    }
    expect(failures, 'loops that have ended by it').to.be.above(SEEDS / 10);
  });
});
