/** asyncSendFile in moments that only a scheduler that waits for them can bring about. */
import { expect } from 'chai';
import { STATUS_CONNECTION_RESET } from '../../../ffi/ntstatus.ts';
import { describeSystemError } from '../../../ffi/system-error.ts';
import { ERROR_IO_DEVICE, WSAECONNRESET, WSAEOPNOTSUPP } from '../../../ffi/wsa-errors.ts';
import { createNetworkPal, type NetworkError, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulateNetwork, type FaultOptions, type SimulatedPlatform } from '../../../src/sim/index.ts';
import type { Step } from '../../../src/sim/schedule/agenda.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';
import { RawPeer } from '../support/raw-peer.ts';

/** STATUS_INVALID_PARAMETER: what the tables do not have is WSAEINVAL. */
const STATUS_OF_NO_TABLE = 0xc000000d;

interface Bench {
  readonly platform: SimulatedPlatform;
  readonly pal: NetworkPal;
  readonly peer: RawPeer;
  readonly socket: SocketHandle;
  readonly log: string[];
  /** A callback that writes into the log. */
  readonly told: (what: string) => (error?: { code: string } | null, bytes?: number) => void;
  readonly stop: () => Promise<void>;
}

function connected(faults: FaultOptions = {}): Bench {
  const network = simulateNetwork({ seed: 0, plain: true });
  const sizes = { sendBufferSize: 1000, receiveBufferSize: 1000 };
  const platform = network.platform({ profile: 'windows', keepAlive: true, faults, ...sizes });
  const peer = new RawPeer(network, network.platform(sizes));
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64, skipCompletionPortOnSuccess: false });
  pal.initialize();
  const ended = pal.runEventLoop();
  const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, (error) => {
    if (error !== null) throw error;
  });
  network.run();
  const log: string[] = [];
  const stop = async (): Promise<void> => {
    void pal.stopEventLoop();
    await network.settle();
    await ended;
    expectNothingLeft(platform);
  };
  const told = (what: string) => (error?: { code: string } | null, bytes?: number) => {
    log.push([what, error?.code ?? 'ok', ...(bytes === undefined ? [] : [bytes])].join(' '));
  };
  return { platform, pal, peer, socket, log, told, stop };
}

/** Runs until node:fs is at work on something, which then takes as long as the test wants. Returns what lets it end. */
function withhold(platform: SimulatedPlatform, what: RegExp): () => void {
  const { agenda } = platform.network;
  const find = (): Step | undefined =>
    Array.from({ length: agenda.length }, (_, place) => agenda.at(place)).find((step) => what.test(step?.what ?? ''));
  platform.run(() => find() !== undefined);
  const step = find();
  if (step === undefined) throw new Error(`node:fs was not asked for ${String(what)}`);
  agenda.remove(step);
  return () => agenda.add(step);
}

/** Like the FileHandle of node:fs: its class has the getter, which says -1 once it is closed. */
class Handle {
  descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  get fd(): number {
    return this.descriptor;
  }
}

describe('asyncSendFile, simulated', () => {
  for (const transmitFile of [true, false]) {
    it(`is dropped while its file is being opened, without waiting for that (${transmitFile})`, async () => {
      const { platform, pal, peer, socket, log, told, stop } = connected();
      platform.files.put('file', new Uint8Array(5000));
      pal.asyncSendFile(socket, 'file', { transmitFile }, told('file'));
      const opens = withhold(platform, /^open file/);
      pal.resetSocket(socket, told('reset'));
      platform.run();
      expect(log).to.deep.equal(['file ECANCELED 0', 'reset ok']);
      opens();
      platform.run();
      expect(platform.files.openCount, 'opened for nobody, and closed').to.equal(0);
      expect(peer.end.broken).to.not.equal(0);
      await stop();
    });
  }

  for (const told of [true, false]) {
    it(`is dropped while its file is being read, and holds up the end until then (${told ? 'with' : 'without'} a callback)`, async () => {
      const { platform, pal, socket, log, told: tell, stop } = connected();
      platform.files.put('file', new Uint8Array(900_000));
      pal.asyncSendFile(socket, 'file', { transmitFile: false }, tell('file'));
      const reads = withhold(platform, /^read of/);
      if (told) pal.resetSocket(socket, tell('reset'));
      else pal.resetSocket(socket);
      const stopped = stop();
      platform.run();
      expect(log).to.deep.equal(['file ECANCELED 0']);
      expect(platform.memory.regions).to.be.above(0);
      reads();
      // Nothing but the read itself is left that could bring the loop to its end.
      await stopped;
      expect(log).to.deep.equal(['file ECANCELED 0', ...(told ? ['reset ok'] : [])]);
    });
  }

  it('that cannot be read any more resets the connection; nothing behind it is sent', async () => {
    const { platform, pal, peer, socket, log, told, stop } = connected({
      plan: [{ call: 'fs.read', nth: 2, code: ERROR_IO_DEVICE }],
    });
    platform.files.put('file', new Uint8Array(600_000).fill(1));
    pal.asyncSendFile(socket, 'file', { transmitFile: false }, told('file'));
    pal.asyncWrite(socket, new Uint8Array(3).fill(2), told('behind'));
    for (let round = 0; round < 2000 && log.length < 2; round++) {
      platform.run(() => peer.end.in.length > 0 || log.length === 2);
      peer.drain();
    }
    platform.run();
    expect(log).to.have.lengthOf(2);
    expect(log[0]).to.match(/^file EIO/);
    expect(log[1]).to.equal('behind ECANCELED 0');
    expect(peer.end.broken).to.not.equal(0);
    await stop();
  });

  it('is not begun again when TransmitFile fails under way, whatever the status', async () => {
    const { platform, pal, peer, socket, log, told, stop } = connected({
      plan: [{ operation: 'TransmitFile', nth: 1, status: STATUS_OF_NO_TABLE }],
    });
    platform.files.put('file', new Uint8Array(5000));
    pal.asyncWrite(socket, new Uint8Array(2000), told('before')); // so that it has to wait
    pal.asyncSendFile(socket, 'file', {}, told('file'));
    platform.run();
    expect(log, 'the peer reads nothing').to.deep.equal(['before ok 2000']);
    peer.drain();
    platform.run(() => log.length === 2);
    expect(log).to.deep.equal(['before ok 2000', 'file EINVAL 0']);
    expect(pal.stats().syscalls).to.include({ TransmitFile: 1, WSASend: 1 });
    await stop();
  });

  it('speaks of the file when it fails, and what is behind it of the call that has failed', async () => {
    const { platform, pal, peer, socket, stop } = connected({
      plan: [{ operation: 'TransmitFile', nth: 1, status: STATUS_CONNECTION_RESET }],
    });
    platform.files.put('file', new Uint8Array(5000));
    const said: string[] = [];
    const say = (error: NetworkError | null): void => void said.push(`${error?.message}; ${error?.syscall}`);
    pal.asyncWrite(socket, new Uint8Array(2000), () => undefined); // so that it has to wait
    pal.asyncSendFile(socket, 'file', {}, say);
    pal.asyncWrite(socket, new Uint8Array(1), say);
    platform.run();
    peer.drain();
    platform.run(() => said.length === 2);
    pal.asyncSendFile(socket, 'file', {}, say);
    platform.run(() => said.length === 3);
    pal.shutdown(socket, 'send');
    pal.asyncSendFile(socket, 'file', {}, say);
    platform.run();
    const reset = `${describeSystemError(WSAECONNRESET).message} (TransmitFile, 10054); TransmitFile`;
    expect(said).to.deep.equal([
      `sendFile ECONNRESET: ${reset}`,
      `write ECONNRESET: ${reset}`,
      `sendFile ECONNRESET: ${reset}`,
      "sendFile EPIPE: shutdown('send') has ended this side of the connection; undefined",
    ]);
    await stop();
  });

  it('speaks of the file when its socket is closed here', async () => {
    const { platform, pal, socket, stop } = connected();
    platform.files.put('file', new Uint8Array(5000));
    const said: string[] = [];
    pal.asyncSendFile(socket, 'file', {}, (error) => said.push(error?.message ?? 'sent'));
    pal.resetSocket(socket);
    platform.run();
    expect(said).to.deep.equal(['sendFile ECANCELED: the socket was closed before the sendFile completed']);
    await stop();
  });

  it('of a FileHandle that was closed before its turn sends nothing, and what is behind it goes on', async () => {
    const { platform, pal, peer, socket, log, told, stop } = connected();
    platform.files.put('file', new Uint8Array(5000));
    const handle = new Handle(platform.files.openNow('file'));
    pal.asyncWrite(socket, new Uint8Array(2000), told('first'));
    pal.asyncWrite(socket, new Uint8Array(3000), told('before'));
    pal.asyncSendFile(socket, handle, { head: new Uint8Array(3) }, told('file'));
    pal.asyncWrite(socket, new Uint8Array(7), told('behind'));
    platform.run();
    platform.files.close(handle.fd);
    handle.descriptor = -1;
    peer.drain();
    platform.run();
    expect(log).to.have.members(['first ok 2000', 'before ok 3000', 'file EBADF 0', 'behind ok 7']);
    expect(peer.end.in.length).to.equal(5007);
    await stop();
  });

  it("of an object with an 'fd' of its own asks it once, whatever it answers later", async () => {
    const { platform, pal, peer, socket, log, told, stop } = connected();
    platform.files.put('file', new Uint8Array(500));
    const fd = platform.files.openNow('file');
    let reads = 0;
    const file = {
      get fd() {
        reads++;
        return reads === 1 ? fd : Number.NaN;
      },
    };
    pal.asyncWrite(socket, new Uint8Array(2000), told('before'));
    pal.asyncSendFile(socket, file, {}, told('file'));
    expect(pal.describe()).to.contain(`descriptor ${fd}`);
    peer.drain();
    platform.run();
    expect(log).to.have.members(['before ok 2000', 'file ok 500']);
    expect(reads).to.equal(1);
    platform.files.close(fd);
    await stop();
  });

  it("of a FileHandle whose number is another file's by then sends nothing", async () => {
    const { platform, pal, peer, socket, log, told, stop } = connected();
    platform.files.put('file', new Uint8Array(500));
    const fd = platform.files.openNow('file');
    const handle = new Handle(fd);
    pal.asyncWrite(socket, new Uint8Array(2000), told('before'));
    pal.asyncSendFile(socket, handle, {}, told('file'));
    handle.descriptor = fd + 1;
    peer.drain();
    platform.run();
    expect(log).to.have.members(['before ok 2000', 'file EBADF 0']);
    platform.files.close(fd);
    await stop();
  });

  for (const transmitFile of [true, false]) {
    it(`is sent, although it was to be taken back, when its last byte had gone (${transmitFile})`, async () => {
      const size = 1500; // the first 1000 fill the send buffer, so that it takes some steps
      const ends = new Set<string>();
      for (let steps = 0; !ends.has('false ok 1500'); steps++) {
        const { platform, pal, peer, socket, log, told, stop } = connected();
        peer.drain();
        platform.files.put('file', new Uint8Array(size));
        const name = pal.asyncSendFile(socket, 'file', { transmitFile }, told('file'));
        for (let step = 0; step < steps; step++) platform.step();
        const arrived = peer.end.in.length === size;
        const taken = pal.cancel(name, { hard: true });
        platform.run();
        expect(log).to.have.lengthOf(1);
        const end = `${taken} ${log[0]?.replace('file ', '')}`;
        ends.add(end);
        if (arrived) expect(end, `after ${steps} steps`).to.match(/ ok 1500$/);
        else if (!taken) expect(end).to.equal('false ok 1500');
        // Untouched, in the middle, or all of it: whatever has gone out without its rest is not followed by a FIN.
        const truncated = end.includes('ECANCELED') && !end.endsWith(' 0');
        expect(peer.end.broken !== 0, end).to.equal(truncated);
        await stop();
      }
      expect([...ends]).to.include.members(['true ECANCELED 0', 'true ok 1500', 'false ok 1500']);
    });
  }

  for (const transmitFile of [true, false]) {
    it(`sends what is no regular file to its end, and no part that only a place could name (${transmitFile})`, async () => {
      const { platform, pal, peer, socket, log, told, stop } = connected();
      peer.drain();
      const content = Buffer.from(Array.from({ length: 600_000 }, (_, index) => index % 251));
      platform.files.put('pipe', content, false);
      const totals: number[] = [];
      const onProgress = (_sent: number, total: number): unknown => totals.push(total);
      const edges = { head: Buffer.from('head'), tail: Buffer.from('tail') };
      pal.asyncSendFile(socket, 'pipe', { ...edges, transmitFile, onProgress }, told('all'));
      pal.asyncSendFile(socket, 'pipe', { length: 1000, transmitFile }, told('part'));
      pal.asyncSendFile(socket, 'pipe', { offset: 1, transmitFile }, told('from 1'));
      platform.run();
      expect(log).to.deep.equal(['all ok 600008', 'part ok 1000', 'from 1 ERR_OUT_OF_RANGE 0']);
      const expected = Buffer.concat([edges.head, content, edges.tail, content.subarray(0, 1000)]);
      const arrived = Buffer.alloc(expected.length);
      expect(peer.end.in.length).to.equal(expected.length);
      peer.end.in.take(arrived, 0, arrived.length);
      expect(arrived.equals(expected)).to.equal(true);
      expect(totals[0]).to.be.NaN;
      expect(pal.stats().syscalls).to.include({ TransmitFile: 0 });
      await stop();
    });
  }

  it('resets the connection when its tail is truncated, like the file itself', async () => {
    const { platform, pal, peer, socket, log, told, stop } = connected();
    platform.files.put('file', new Uint8Array(5000));
    const name = pal.asyncSendFile(socket, 'file', { tail: new Uint8Array(9) }, told('file'));
    pal.asyncWrite(socket, new Uint8Array(1), told('behind'));
    platform.run();
    expect(pal.inspect().sockets[0]?.requests[0], 'the peer reads nothing').to.include({ bytes: 5009, done: 5000 });
    expect(pal.inspect().sockets[0]?.operations[0]).to.include({ syscall: 'WSASend', state: 'Submitted' });
    expect(pal.cancel(name), 'soft').to.equal(false);
    expect(pal.cancel(name, { hard: true })).to.equal(true);
    platform.run();
    expect(log).to.deep.equal(['file ECANCELED 5000', 'behind ECANCELED 0']);
    expect(peer.end.broken).to.not.equal(0);
    await stop();
  });

  it('that TransmitFile finds too short is told from a connection that broke', async () => {
    const { platform, pal, peer, socket, log, told, stop } = connected();
    platform.files.put('file', new Uint8Array(3 * 2 ** 20));
    pal.asyncSendFile(socket, 'file', {}, told('file'));
    platform.run(() => peer.end.in.length > 0);
    platform.files.put('file', new Uint8Array(100));
    for (let round = 0; round < 5000 && log.length === 0; round++) {
      platform.run(() => peer.end.in.length > 0 || log.length > 0);
      peer.drain();
    }
    platform.run();
    expect(log[0]).to.match(/^file ERR_FILE_TRUNCATED/);
    await stop();
  });

  for (const transmitFile of [true, false]) {
    it(`ends as usual although its file cannot be closed (${transmitFile})`, async () => {
      const { platform, pal, peer, socket, log, told, stop } = connected();
      platform.files.put('file', new Uint8Array(1500));
      pal.asyncSendFile(socket, 'file', { transmitFile, tail: new Uint8Array(5) }, told('file'));
      pal.asyncWrite(socket, new Uint8Array(3), told('behind'));
      const close = platform.files.close.bind(platform.files);
      platform.files.close = (fd) => {
        close(fd);
        throw new Error('EIO: i/o error, close');
      };
      for (let round = 0; round < 100 && log.length < 2; round++) {
        platform.run();
        peer.drain();
      }
      expect(log).to.deep.equal(['file ok 1505', 'behind ok 3']);
      expect(pal.stats().openFiles).to.equal(0);
      await stop();
    });
  }

  it('that TransmitFile has refused is taken back as one of which nothing was sent', async () => {
    const { platform, pal, peer, socket, log, told, stop } = connected({
      plan: [{ call: 'TransmitFile', nth: 1, code: WSAEOPNOTSUPP }],
    });
    platform.files.put('file', new Uint8Array(500));
    const fd = platform.files.openNow('file');
    const name = pal.asyncSendFile(socket, fd, {}, told('file'));
    pal.asyncWrite(socket, new Uint8Array(3), told('behind'));
    expect(pal.cancel(name, { hard: true })).to.equal(true);
    platform.run();
    expect(log).to.have.members(['file ECANCELED 0', 'behind ok 3']);
    expect([peer.end.in.length, peer.end.broken]).to.deep.equal([3, 0]);
    platform.files.close(fd);
    await stop();
  });
});
