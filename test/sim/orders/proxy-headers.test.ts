/** PROXY headers in every order of events: in pieces, dripping, cut off, and while the server or its loop ends. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkError, type NetworkPal, type ServerSocket } from '../../../src/index.ts';
import { MAX_PENDING_HEADERS } from '../../../src/proxy-protocol/proxy-settings.ts';
import {
  simulateNetwork,
  type ProfileName,
  type SimulatedNetwork,
  type SimulatedPlatform,
} from '../../../src/sim/index.ts';
import { Step } from '../../../src/sim/schedule/agenda.ts';
import { isLong } from '../../support/extent.ts';
import { BINARY, LINE } from '../../support/proxy-headers.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

const HEADERS = { 'version 1': Buffer.from(LINE), 'version 2': BINARY } as const;
const TIMEOUT_MS = 1000;
const DATA = 'the data';
/** Random runs of each profile. */
const SEEDS = isLong ? 600 : 120;

interface Bench {
  readonly network: SimulatedNetwork;
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly clients: NetworkPal;
  readonly server: ServerSocket;
  /** What the server was told of connections that it does not get. */
  readonly errors: NetworkError[];
  /** Peer and first bytes of each connection that was handed out and read. */
  readonly served: string[];
  /** Everything ends; nothing may be left. */
  readonly end: () => Promise<void>;
}

function bench(profile: ProfileName, seed: number, maxOperations = 256): Bench {
  const network = simulateNetwork({ seed, plain: seed === 0, maxSteps: 2_000_000 });
  const platforms = [network.platform({ profile, keepAlive: true }), network.platform({ keepAlive: true })] as const;
  const pals = platforms.map((platform) => {
    const pal = createNetworkPal({ platform, strict: true, maxOperations, closeGraceMs: 50 });
    pal.initialize();
    return { pal, ended: pal.runEventLoop() };
  });
  const [pal, clients] = pals.map((each) => each.pal) as [NetworkPal, NetworkPal];
  const errors: NetworkError[] = [];
  const served: string[] = [];
  const server = pal.createServer('127.0.0.1', 0, {
    proxyProtocol: { from: ['127.0.0.1'], timeoutMs: TIMEOUT_MS },
    onAcceptError: (error) => void errors.push(error),
  });
  const next = (): void =>
    void pal.asyncAccept(server.handle, (error, socket, peer) => {
      if (error !== null) return;
      next();
      let text = '';
      const buffer = Buffer.alloc(64);
      const read = (): void =>
        void pal.asyncRead(socket, buffer, buffer.length, (failure, bytes) => {
          text += buffer.toString('latin1', 0, bytes);
          if (failure === null && bytes > 0 && text.length < DATA.length) return read();
          served.push(`${peer.address}:${peer.port} ${text}`);
          pal.closeSocket(socket);
        });
      read();
    });
  next();
  const end = async (): Promise<void> => {
    for (const each of pals) void each.pal.stopEventLoop();
    await network.settle();
    for (const { ended } of pals) await ended;
    for (const platform of platforms) expectNothingLeft(platform, `${profile}, seed ${seed}:`);
  };
  return { network, platform: platforms[0], pal, clients, server, errors, served, end };
}

/** Connects and sends these pieces, each so many milliseconds after the one before it, and then does as it is told. */
function visit(
  { clients, server, platform }: Bench,
  pieces: readonly Uint8Array[],
  pauseMs = 0,
  then: 'stay' | 'end' | 'reset' = 'stay',
): void {
  const socket = clients.asyncConnect('127.0.0.1', server.port, {}, (error) => {
    if (error !== null) return;
    clients.asyncRead(socket, Buffer.alloc(1), 1, () => undefined); // it hears how the connection ends
    send(0);
  });
  const send = (index: number): void => {
    const piece = pieces[index];
    if (piece === undefined) {
      if (then === 'end') clients.shutdown(socket, 'send');
      if (then === 'reset') clients.resetSocket(socket);
      return;
    }
    clients.asyncWrite(socket, piece, (error) => {
      if (error !== null) return clients.closeSocket(socket);
      if (pauseMs === 0) send(index + 1);
      else platform.scheduler.setTimer(pauseMs, () => send(index + 1));
    });
  };
}

const bytesOf = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (byte) => Uint8Array.of(byte));
const EXPECTED = `192.0.2.7:56324 ${DATA}`;

for (const profile of ['windows', 'wine'] as const) {
  for (const [version, header] of Object.entries(HEADERS)) {
    describe(`a header of ${version}, ${profile}`, () => {
      it("may be cut anywhere, and what is behind it is the connection's", async () => {
        for (let cut = 1; cut <= header.length; cut++) {
          const table = bench(profile, cut);
          const rest = Buffer.concat([header.subarray(cut), Buffer.from(DATA)]);
          visit(table, [header.subarray(0, cut), rest], cut % 2);
          await table.network.settle(() => table.served.length > 0);
          expect([table.served, table.errors], `cut at ${cut}`).to.deep.equal([[EXPECTED], []]);
          await table.end();
        }
      });

      it('has one deadline, however its bytes drip', async () => {
        const table = bench(profile, 0);
        const start = table.network.clock.now;
        visit(table, bytesOf(header), TIMEOUT_MS / 10);
        await table.network.settle(() => table.errors.length > 0);
        expect(table.errors.map(({ code }) => code)).to.deep.equal(['ERR_PROXY_HEADER_TIMEOUT']);
        expect(table.network.clock.now - start, 'ms of the simulated time').to.be.within(TIMEOUT_MS, TIMEOUT_MS * 1.2);
        expect(table.served).to.deep.equal([]);
        await table.end();
      });

      it('may drip within its deadline', async () => {
        const table = bench(profile, 0);
        visit(table, [...bytesOf(header), Buffer.from(DATA)], Math.floor(TIMEOUT_MS / 2 / header.length));
        await table.network.settle(() => table.served.length > 0);
        expect([table.served, table.errors]).to.deep.equal([[EXPECTED], []]);
        await table.end();
      });
    });
  }

  describe(`PROXY headers in any order of events, ${profile}`, () => {
    it('whole ones are served, all others refused, and an end in the middle leaves nothing', async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const table = bench(profile, seed);
        const { network, pal } = table;
        const pick = (count: number): number => network.choices.pick(count);
        let whole = 0;
        for (let count = 6; count > 0; count--) {
          const header = pick(2) === 0 ? HEADERS['version 1'] : HEADERS['version 2'];
          const stream = Buffer.concat([header, Buffer.from(DATA)]);
          const cut = 1 + pick(header.length - 1);
          const pause = pick(3);
          switch (pick(6)) {
            case 0:
              visit(table, [stream.subarray(0, cut)], pause, 'end');
              break;
            case 1:
              visit(table, [stream.subarray(0, cut)], pause, 'reset');
              break;
            case 2:
              visit(table, [stream.subarray(0, cut)], pause);
              break;
            case 3:
              visit(table, [Buffer.from('GET /'), stream], pause);
              break;
            default:
              visit(table, [stream.subarray(0, cut), stream.subarray(cut)], pause);
              whole++;
          }
        }
        const ending = pick(3);
        const end = (): void => {
          if (ending === 0) pal.closeSocket(table.server.handle);
          if (ending === 1) void pal.stopEventLoop();
        };
        if (ending < 2) network.agenda.add(new Step('the end', end, true));
        await network.settle(() => ending === 2 && table.served.length + table.errors.length >= 6);
        const where = `${profile}, seed ${seed}`;
        expect(
          table.served.filter((text) => text !== EXPECTED && ending === 2),
          where,
        ).to.deep.equal([]);
        expect(table.served.length, where).to.be.at.most(whole);
        if (ending === 2) expect([table.served.length, table.errors.length], where).to.deep.equal([whole, 6 - whole]);
        for (const { code } of table.errors) {
          expect(code, where).to.be.oneOf([
            'ERR_PROXY_HEADER',
            'ERR_PROXY_HEADER_ENDED',
            'ERR_PROXY_HEADER_TIMEOUT',
            'ECONNRESET',
            'ENOTCONN', // of Wine, where the reset came first
          ]);
        }
        await table.end();
      }
    });

    it(`a flood of halves is bounded, and has an end`, async () => {
      const table = bench(profile, 0, 8192);
      const flood = MAX_PENDING_HEADERS + 200;
      const awaited = (): number =>
        table.pal.inspect().sockets.find(({ kind }) => kind === 'server')?.queues['proxyHeadersAwaited'] ?? 0;
      for (let count = 0; count < flood; count++) visit(table, [Buffer.from('PROX')]);
      let most = 0;
      await table.network.settle(() => {
        most = Math.max(most, awaited());
        return table.errors.length === flood;
      });
      expect(most).to.be.within(MAX_PENDING_HEADERS / 2, MAX_PENDING_HEADERS);
      visit(table, [Buffer.from(LINE + DATA)]);
      await table.network.settle(() => table.served.length > 0);
      expect(table.served).to.deep.equal([EXPECTED]);
      await table.end();
    });

    it('one that came in time is heard, although its thread was busy until the deadline was over', async () => {
      const table = bench(profile, 0);
      const { network, pal, clients, server } = table;
      const socket = clients.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
      const awaited = (): number =>
        pal.inspect().sockets.find(({ kind }) => kind === 'server')?.queues['proxyHeadersAwaited'] ?? 0;
      await network.settle(() => awaited() === 1 && clients.stats().connected === 1);
      const deadline = network.clock.now + TIMEOUT_MS;
      clients.asyncWrite(socket, Buffer.from(LINE + DATA), () => undefined);
      while (network.clock.now <= deadline) if (!network.passTime()) network.step();
      await network.settle(() => table.served.length + table.errors.length > 0);
      expect([table.served, table.errors]).to.deep.equal([[EXPECTED], []]);
      await table.end();
    });

    it('a server that was imported reads them, where its own options say so', async () => {
      const network = simulateNetwork({ seed: 1 });
      const platforms = [1, 2, 3].map(() => network.platform({ profile, keepAlive: true }));
      const pals = platforms.map((platform) => createNetworkPal({ platform, strict: true, maxOperations: 64 }));
      const [exporter, importer, clients] = pals as [NetworkPal, NetworkPal, NetworkPal];
      const ended = pals.map((pal) => {
        pal.initialize();
        return pal.runEventLoop();
      });
      const original = exporter.createServer('127.0.0.1', 0, { deferAssociation: true });
      const info = exporter.exportSocket(original.handle, platforms[1]?.processId ?? 0);
      const server = importer.importServer(info, { proxyProtocol: { from: ['127.0.0.1'] } });
      let peer = '';
      importer.asyncAccept(server.handle, (_error, _socket, { address, port }) => (peer = `${address}:${port}`));
      const socket = clients.asyncConnect('127.0.0.1', server.port, {}, () => {
        clients.asyncWrite(socket, BINARY, () => undefined);
      });
      await network.settle(() => peer !== '');
      expect(peer).to.equal('192.0.2.7:56324');
      for (const pal of pals) void pal.stopEventLoop();
      await network.settle();
      await Promise.all(ended);
      for (const platform of platforms) expectNothingLeft(platform);
    });

    it('a header that is awaited keeps no loop alive', async () => {
      const network = simulateNetwork({ seed: 0, plain: true });
      const platform = network.platform({ profile, keepAlive: true });
      const clients = createNetworkPal({ platform: network.platform({ keepAlive: true }) });
      const pal = createNetworkPal({ platform, strict: true });
      clients.initialize();
      pal.initialize();
      void clients.runEventLoop();
      let over = false;
      void pal.runEventLoop().then(() => (over = true));
      const proxyProtocol = { from: ['127.0.0.1'], timeoutMs: 60_000 };
      const { port } = pal.createServer('127.0.0.1', 0, { proxyProtocol });
      clients.asyncConnect('127.0.0.1', port, {}, () => undefined);
      await network.settle(() => pal.stats().sockets === 2);
      platform.keepAlive = false;
      const start = network.clock.now;
      await network.settle(() => over || network.clock.now > start + 30_000);
      expect(over, 'the loop has ended').to.equal(true);
      void clients.stopEventLoop();
      await network.settle();
      expectNothingLeft(platform);
    });
  });
}
