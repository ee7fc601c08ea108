/**
 * The calls that other loops and processes are reached through fail once with every code that they may have: a clear error,
 * nothing is left behind, and nothing is lost. Cells of CALL_FAULTS that faults.test.ts leaves to this file.
 */
import { expect } from 'chai';
import { describeSystemError } from '../../../ffi/system-error.ts';
import {
  createNetworkPal,
  openRemote,
  type NetworkError,
  type NetworkPal,
  type SocketHandle,
} from '../../../src/index.ts';
import {
  CALL_FAULTS,
  simulateNetwork,
  type PlannedFault,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { thrownBy } from '../../support/errors.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

interface Process {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
}

type FaultyCall = keyof typeof CALL_FAULTS;

const START: Readonly<Partial<Record<FaultyCall, number>>> = {
  // initialize() makes one of each; the next is the one that matters here.
  WSASocketW: 2,
  CreateIoCompletionPort: 2,
};

describe('a failure of the system between loops', () => {
  let network: SimulatedNetwork;
  let processes: Process[] = [];

  beforeEach(() => {
    network = simulateNetwork({ seed: 5 });
    processes = [];
  });

  afterEach(async () => {
    for (const { pal } of processes) void pal.stopEventLoop();
    await network.settle(() => processes.every(({ pal }) => !pal.isRunning()));
    for (const { platform } of processes) {
      expectNothingLeft(platform);
    }
  });

  function start(plan: readonly PlannedFault[] = []): Process {
    return run(network.platform({ keepAlive: true, faults: { plan } }));
  }

  function run(platform: SimulatedPlatform): Process {
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
    pal.initialize();
    void pal.runEventLoop();
    const process = { platform, pal };
    processes.push(process);
    return process;
  }

  /** A connection that was accepted and not used, and what its peer, another process, has heard. */
  async function connection({ pal }: Process): Promise<{ served: SocketHandle; heard: () => string }> {
    const { pal: client } = start();
    const server = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    let served = 0 as SocketHandle;
    let text = '';
    pal.asyncAccept(server.handle, (_error, socket) => (served = socket));
    let connected = false;
    client.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
      if (error !== null) throw error;
      connected = true;
      listen(client, socket, (bytes) => (text += bytes));
    });
    await network.settle(() => served !== 0 && connected);
    return { served, heard: () => text };
  }

  function listen(pal: NetworkPal, socket: SocketHandle, heard: (text: string) => void): void {
    const buffer = Buffer.alloc(64);
    pal.asyncRead(socket, buffer, 64, (error, bytes) => {
      if (error !== null || bytes === 0) return;
      heard(buffer.toString('latin1', 0, bytes));
      listen(pal, socket, heard);
    });
  }

  const cells = (call: FaultyCall, test: (plan: PlannedFault, code: number) => Promise<void>): void => {
    for (const code of CALL_FAULTS[call]) {
      it(`${call} with ${describeSystemError(code).name}`, () => test({ call, nth: START[call] ?? 1, code }, code));
    }
  };

  describe('exportSocket: the socket stays, and can be exported again', () => {
    cells('WSADuplicateSocketW', async (plan, code) => {
      const here = start([plan]);
      const there = start();
      const { served, heard } = await connection(here);
      const error = thrownBy(() => here.pal.exportSocket(served, there.platform.processId));
      expect(error).to.include({ systemErrorCode: code, syscall: 'WSADuplicateSocketW' });
      expect(there.platform.openSockets).to.equal(0);
      const moved = there.pal.importSocket(here.pal.exportSocket(served, there.platform.processId));
      there.pal.asyncWrite(moved, Buffer.from('moved'), () => undefined);
      await network.settle(() => heard() === 'moved');
      expect(heard()).to.equal('moved');
    });

    it('for a process that there is not', async () => {
      const here = start();
      const { served, heard } = await connection(here);
      expect(thrownBy(() => here.pal.exportSocket(served, 3)).code).to.equal('EINVAL');
      here.pal.asyncWrite(served, Buffer.from('still here'), () => undefined);
      await network.settle(() => heard() === 'still here');
      expect(heard()).to.equal('still here');
    });
  });

  describe('importSocket: what was exported can be imported again', () => {
    cells('WSASocketW', async (plan, code) => {
      const here = start();
      const there = start([plan]);
      const { served, heard } = await connection(here);
      const info = here.pal.exportSocket(served, there.platform.processId);
      expect(thrownBy(() => there.pal.importSocket(info))).to.include({ systemErrorCode: code, syscall: 'WSASocketW' });
      const moved = there.pal.importSocket(info);
      there.pal.asyncWrite(moved, Buffer.from('moved'), () => undefined);
      await network.settle(() => heard() === 'moved');
      expect(heard()).to.equal('moved');
    });
  });

  for (const [call, syscall] of [
    ['CreateEventW', 'CreateEventW'],
    ['CreateIoCompletionPort', 'CreateIoCompletionPort'],
    ['WSAIoctl', 'WSAIoctl(SIO_GET_EXTENSION_FUNCTION_POINTER)'],
    ['getsockname', 'getsockname'],
  ] as const) {
    describe(`importServer: keeps nothing, and works with the next export (${call})`, () => {
      cells(call, async (plan, code) => {
        const here = start();
        const there = start([plan]);
        const server = here.pal.createServer('127.0.0.1', 0);
        const before = there.platform.openHandles;
        const info = here.pal.exportSocket(server.handle, there.platform.processId);
        expect(thrownBy(() => there.pal.importServer(info))).to.include({ systemErrorCode: code, syscall });
        expect(there.platform.openHandles).to.equal(before);
        expect(there.pal.stats().sockets).to.equal(0);
        const again = here.pal.exportSocket(server.handle, there.platform.processId);
        const imported = there.pal.importServer(again);
        let accepted = 0;
        there.pal.asyncAccept(imported.handle, (error) => {
          if (error === null) accepted++;
        });
        here.pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
        await network.settle(() => accepted === 1);
        expect(accepted).to.equal(1);
      });
    });
  }

  describe('the first accept of a server that has waited with its port: fails, and the next one accepts', () => {
    for (const call of ['WSAIoctl', 'CreateIoCompletionPort'] as const) {
      cells(call, async (plan, code) => {
        const { pal } = start([plan]);
        const server = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
        let accepted = 0;
        const errors: NetworkError[] = [];
        const accept = (): void =>
          void pal.asyncAccept(server.handle, (error) => {
            if (error === null) accepted++;
            else errors.push(error);
          });
        accept();
        await network.settle(() => errors.length === 1);
        expect(errors).to.have.lengthOf(1);
        expect(errors[0]).to.include({ name: 'NetworkError', systemErrorCode: code });
        accept();
        // From another process: this one's connects would ask for the pointers too.
        start().pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
        await network.settle(() => accepted === 1);
        expect(accepted).to.equal(1);
      });
    }
  });

  describe('a loop that cannot be woken', () => {
    cells('PostQueuedCompletionStatus', async (plan, code) => {
      const process = start([plan]);
      const { served, heard } = await connection(process);
      const remote = openRemote(process.pal.remote(), { platform: process.platform });
      const error = thrownBy(() => remote.write(served, Buffer.from('one ')));
      expect(error).to.include({ systemErrorCode: code, syscall: 'PostQueuedCompletionStatus' });
      expect(error.message).to.contain('do not repeat it');
      await network.settle();
      expect(heard(), 'nobody has woken the loop').to.equal('');
      remote.write(served, Buffer.from('two'));
      await network.settle(() => heard() === 'one two');
      expect(heard()).to.equal('one two');
    });

    it('at a stop all that was queued is carried out', async () => {
      const process = start([
        { call: 'PostQueuedCompletionStatus', nth: 1, code: CALL_FAULTS.PostQueuedCompletionStatus[0] },
      ]);
      const { served, heard } = await connection(process);
      const remote = openRemote(process.pal.remote(), { platform: process.platform });
      thrownBy(() => remote.write(served, Buffer.from('queued')));
      void process.pal.stopEventLoop();
      await network.settle(() => heard() === 'queued');
      expect(heard()).to.equal('queued');
    });

    it('a spreading server tries again until it is woken', async () => {
      const plan = [1, 2, 3].map((nth) => {
        return { call: 'PostQueuedCompletionStatus', nth, code: CALL_FAULTS.PostQueuedCompletionStatus[0] } as const;
      });
      const main = start(plan);
      const loop = run(main.platform);
      let arrived = 0;
      loop.pal.onConnection(() => arrived++);
      const server = main.pal.createServer('127.0.0.1', 0, { spread: { loops: [loop.pal.remote()] } });
      const started = network.clock.now;
      main.pal.asyncConnect('127.0.0.1', server.port, {}, () => undefined);
      await network.settle(() => arrived === 1);
      expect(arrived).to.equal(1);
      expect(network.clock.now - started, 'three pauses').to.be.at.least(30);
      expect(main.pal.stats().syscalls).to.include({ PostQueuedCompletionStatus: 4 });
    });
  });
});
