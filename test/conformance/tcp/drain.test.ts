/** asyncDrain: when the queue of writes has become short enough. */
import { expect } from 'chai';
import type { NetworkError, NetworkPal, SocketHandle } from '../../../src/index.ts';
import { onEveryBed, type Bed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { thrownBy } from '../../support/errors.ts';
import { close, pair, readToEnd, reset } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';

/** More than any kernel buffers for a peer that does not read. */
const TOO_MUCH = 24 * 1024 * 1024;

/** What was told, in order: the name, and the bytes or the code of the error. */
class Log {
  readonly entries: string[] = [];

  note(name: string): (error: NetworkError | null, bytes: number) => void {
    return (error, bytes) => this.entries.push(`${name} ${error?.code ?? bytes}`);
  }

  heard(count: number, bed: Bed): Promise<void> {
    return until(
      () => this.entries.length >= count,
      () => `${count} outcomes; came: ${this.entries.join(', ')}`,
      bed,
    );
  }
}

onEveryBed('asyncDrain', (bed) => {
  // However slow the machine is, a close has time to flush.
  const fixture = testPal(bed, { closeGraceMs: 60_000 });

  /** A connection with so much to send that some of it stays queued until the peer reads. */
  async function congested(): Promise<{ pal: NetworkPal; client: SocketHandle; served: SocketHandle; log: Log }> {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const log = new Log();
    pal.asyncWrite(client, seededBytes(TOO_MUCH), log.note('write'));
    await turns(20, bed);
    expect(pal.getQueuedBytes(client)).to.be.above(0);
    return { pal, client, served, log };
  }

  it('is answered in a later turn when nothing is queued', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const log = new Log();
    pal.asyncDrain(client, 0, log.note('drain'));
    expect(log.entries, 'inside the call').to.deep.equal([]);
    await log.heard(1, bed);
    expect(log.entries).to.deep.equal(['drain 0']);
  });

  it('each is called once, when so few bytes are left, behind the writes that have left the queue', async () => {
    const { pal, client, served, log } = await congested();
    const marks = [0, 1024 * 1024, 10 * 1024 * 1024, TOO_MUCH];
    const left = new Map<number, number>();
    for (const mark of marks) {
      pal.asyncDrain(client, mark, (error, bytes) => {
        expect(error).to.equal(null);
        expect(left.has(mark), 'twice').to.equal(false);
        left.set(mark, bytes);
        log.entries.push(`drain ${mark}`);
      });
    }
    await log.heard(1, bed);
    expect(log.entries).to.deep.equal([`drain ${TOO_MUCH}`]);
    pal.shutdown(client, 'send');
    expect((await readToEnd(pal, served)).length).to.equal(TOO_MUCH);
    await log.heard(5, bed);
    for (const mark of marks) expect(left.get(mark), `of ${mark}`).to.be.at.most(mark);
    expect(log.entries.slice(0, 3)).to.deep.equal([
      `drain ${TOO_MUCH}`,
      `drain ${10 * 1024 * 1024}`,
      `drain ${1024 * 1024}`,
    ]);
    expect(log.entries.slice(3)).to.deep.equal([`write ${TOO_MUCH}`, 'drain 0']);
  });

  it('counts a write that is taken back', async () => {
    const { pal, client, log } = await congested();
    const behind = pal.asyncWrite(client, seededBytes(1000), log.note('behind'));
    const mark = pal.getQueuedBytes(client) - 1000;
    pal.asyncDrain(client, mark, log.note('drain'));
    expect(pal.cancel(behind)).to.equal(true);
    await log.heard(2, bed);
    expect(log.entries).to.deep.equal(['behind ECANCELED', `drain ${mark}`]);
  });

  it('ends with a cancel, a deadline or a signal, and leaves the writes alone', async () => {
    const { pal, client, served, log } = await congested();
    const abort = new AbortController();
    const operation = pal.asyncDrain(client, 0, log.note('cancelled'));
    pal.asyncDrain(client, 0, { timeout: 20 }, log.note('late'));
    pal.asyncDrain(client, 0, { signal: abort.signal }, log.note('aborted'));
    expect(pal.describe()).to.include('drain to 0 bytes');
    expect(pal.cancel(operation)).to.equal(true);
    expect(pal.cancel(operation), 'again').to.equal(false);
    abort.abort();
    await log.heard(3, bed);
    expect([...log.entries].sort()).to.deep.equal(['aborted ABORT_ERR', 'cancelled ECANCELED', 'late ETIMEDOUT']);
    pal.shutdown(client, 'send');
    expect((await readToEnd(pal, served)).length).to.equal(TOO_MUCH);
    await log.heard(4, bed);
    expect(log.entries[3]).to.equal(`write ${TOO_MUCH}`);
  });

  it('is told of the close before the close callback, although the queue is flushed', async () => {
    const { pal, client, served, log } = await congested();
    pal.asyncDrain(client, 0, log.note('drain'));
    pal.closeSocket(client, () => log.entries.push('closed'));
    pal.asyncDrain(client, 0, log.note('behind'));
    await log.heard(2, bed);
    expect(log.entries).to.have.members(['drain ECANCELED', 'behind ECANCELED']);
    expect((await readToEnd(pal, served)).length).to.equal(TOO_MUCH);
    await log.heard(4, bed);
    expect(log.entries.slice(2)).to.deep.equal([`write ${TOO_MUCH}`, 'closed']);
  });

  it('is told of a reset from here, and of one from the peer with its error', async () => {
    const one = await congested();
    one.pal.asyncDrain(one.client, 0, one.log.note('drain'));
    await reset(one.pal, one.client);
    expect([...one.log.entries].sort()).to.deep.equal(['drain ECANCELED', 'write ECANCELED']);
    const other = await congested();
    other.pal.asyncDrain(other.client, 0, other.log.note('drain'));
    await reset(other.pal, other.served);
    await other.log.heard(2, bed);
    expect(other.log.entries.map((entry) => entry.split(' ')[0])).to.deep.equal(['write', 'drain']);
    const [ofWrite, ofDrain] = other.log.entries.map((entry) => entry.split(' ')[1]);
    expect(ofDrain).to.equal(ofWrite);
    expect(ofDrain).to.be.oneOf(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);
    other.pal.asyncDrain(other.client, 0, other.log.note('later'));
    await other.log.heard(3, bed);
    expect(other.log.entries[2], 'on a broken stream').to.equal(`later ${ofDrain}`);
  });

  it('is one of the asynchronous calls: no watch beside it, and it keeps the process alive like them', async () => {
    const { pal, client } = await congested();
    const before = pal.stats().pendingCallbacks;
    pal.asyncDrain(client, 0, () => undefined);
    expect(pal.stats().pendingCallbacks).to.equal(before + 1);
    expect(thrownBy(() => pal.watch(client, { writable: true }, () => undefined)).code).to.equal('ERR_MIXED_APIS');
    await reset(pal, client);
    const { client: watched } = await pair(pal);
    pal.watch(watched, { readable: true }, () => undefined);
    expect(thrownBy(() => pal.asyncDrain(watched, 0, () => undefined)).code).to.equal('ERR_MIXED_APIS');
    await close(pal, watched);
  });
});
