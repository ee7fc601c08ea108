/** closeSocket with a grace of its own: how long the flush may take, and what becomes of the rest. */
import { expect } from 'chai';
import type { NetworkPal, SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed, thrownBy } from '../../support/errors.ts';
import { pair, readToEnd, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';

const MIB = 1024 * 1024;
/** More than any kernel buffers for a peer that does not read. */
const TOO_MUCH = 32 * MIB;

/** What a stream ended with: its bytes, or the code. */
function endOf(pal: NetworkPal, socket: SocketHandle): Promise<number | string> {
  return readToEnd(pal, socket).then(
    (bytes) => bytes.length,
    (error: unknown) => (error as { code: string }).code,
  );
}

onEveryBed('closeSocket with a grace', (bed) => {
  const fixture = sharedPal(bed, { closeGraceMs: 100_000 });

  it('of 0 drops what is queued, and answers it and itself at once', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncRead(client, new Uint8Array(1), 1, outcomes.expect('read'));
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
    pal.asyncWrite(client, new Uint8Array(10), outcomes.expect('behind'));
    pal.closeSocket(client, { graceMs: 0 }, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['read ECANCELED', 'write ECANCELED', 'behind ECANCELED', 'close ok']);
    for (const label of ['write', 'behind']) expectClosed(outcomes.errors.get(label));
    // The send that was cancelled may have broken the connection.
    const end = await endOf(pal, served);
    if (typeof end === 'number') expect(end).to.be.below(TOO_MUCH);
    else expect(end).to.be.oneOf(['ECONNRESET', 'ECONNABORTED']);
  });

  it('of 0 ends in good order what the system has taken already', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncRead(client, new Uint8Array(1), 1, outcomes.expect('read'));
    await write(pal, client, seededBytes(1000));
    pal.closeSocket(client, { graceMs: 0 }, outcomes.expect('close'));
    expect((await readToEnd(pal, served)).equals(seededBytes(1000))).to.equal(true);
    await outcomes.settled(bed);
  });

  it('of some milliseconds ends a flush that takes longer, with a reset', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
    pal.closeSocket(client, { graceMs: 20 }, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ECANCELED', 'close ok']);
    const end = await endOf(pal, served);
    if (typeof end === 'number') expect(end).to.be.below(TOO_MUCH);
    else expect(end).to.equal('ECONNRESET');
  });

  it('is shortened by a second close, and not made longer by a third', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
    pal.closeSocket(client, outcomes.expect('first'));
    pal.closeSocket(client, { graceMs: 20 }, outcomes.expect('second'));
    pal.closeSocket(client, { graceMs: 100_000 }, outcomes.expect('third'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ECANCELED', 'first ok', 'second ok', 'third ok']);
  });

  it('is over at once with a second close of grace 0', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
    pal.closeSocket(client, outcomes.expect('first'));
    pal.closeSocket(client, { graceMs: 0 });
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ECANCELED', 'first ok']);
  });

  it('does not matter to servers and to what is closed already', async () => {
    const { pal } = fixture;
    const { server, client } = await pair(pal);
    const outcomes = new Outcomes();
    pal.closeSocket(server.handle, { graceMs: 0 }, outcomes.expect('server'));
    pal.closeSocket(client, {}, outcomes.expect('client'));
    await outcomes.settled(bed);
    pal.closeSocket(client, { graceMs: 5 }, outcomes.expect('again'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.have.lengthOf(3);
  });

  it('drops the datagrams of a UDP socket that wait', async () => {
    const { pal } = fixture;
    const { handle, address, port } = pal.createUdpSocket('127.0.0.1', 0);
    const outcomes = new Outcomes();
    for (let number = 0; number < 64; number++)
      pal.asyncSendTo(handle, new Uint8Array(10), { address, port }, outcomes.expect(`send ${number}`));
    pal.closeSocket(handle, { graceMs: 0 }, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log.at(-1)).to.equal('close ok');
    expect(outcomes.log).to.include('send 63 ECANCELED');
  });

  it('refuses what is no grace', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    for (const graceMs of [-1, 0.5, 2 ** 31, Number.NaN])
      expect(thrownBy(() => pal.closeSocket(client, { graceMs })).code).to.equal('ERR_OUT_OF_RANGE');
    for (const graceMs of ['5', null, 5n] as unknown[] as number[])
      expect(thrownBy(() => pal.closeSocket(client, { graceMs })).code).to.equal('ERR_INVALID_ARG_TYPE');
    expect(thrownBy(() => pal.closeSocket(client, 5 as never)).code).to.equal('ERR_INVALID_ARG_TYPE');
  });
});

onEveryBed('closeSocket with a grace that is longer than closeGraceMs', (bed) => {
  const fixture = sharedPal(bed, { closeGraceMs: 1 });

  it('flushes everything', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, seededBytes(8 * MIB), outcomes.expect('write'));
    pal.closeSocket(client, { graceMs: 100_000 }, outcomes.expect('close'));
    expect((await readToEnd(pal, served)).equals(seededBytes(8 * MIB))).to.equal(true);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ok', 'close ok']);
  });
});
