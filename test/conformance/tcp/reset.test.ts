/**
 * A connection that breaks. The reads are pending before the RST is sent: what a read that comes later gets differs from
 * system to system (Wine reports the end of the stream then, Windows an error).
 */
import { expect } from 'chai';
import { NetworkErrorCode } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed, rejectionOf } from '../../support/errors.ts';
import { close, pair, read, reset, setLingerZero, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { turns } from '../../support/until.ts';

onEveryBed('reset', (bed) => {
  const fixture = sharedPal(bed);

  const ways = {
    'resetSocket by the peer': reset,
    'a close of the peer with linger 0': (...[pal, socket]: Parameters<typeof close>) => {
      setLingerZero(pal, socket as Parameters<typeof setLingerZero>[1]);
      return close(pal, socket);
    },
  };
  for (const [way, breakConnection] of Object.entries(ways)) {
    it(`${way} ends a pending read with ECONNRESET`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const reading = rejectionOf(read(pal, client));
      await breakConnection(pal, served);
      const error = await reading;
      expect(error.code).to.equal('ECONNRESET');
      expect(error.kind).to.equal(NetworkErrorCode.ConnectionReset);
      expect(error.systemErrorCode).to.be.oneOf([10054, 64]);
      expect(error.errno).to.be.a('number');
      expect(error.name).to.equal('NetworkError');
    });

    it(`${way} ends several pending reads, each once`, async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const outcomes = new Outcomes();
      for (const label of ['a', 'b', 'c']) pal.asyncRead(client, new Uint8Array(10), 10, outcomes.expect(label));
      await breakConnection(pal, served);
      await outcomes.settled(bed);
      expect(outcomes.log[0]).to.equal('a ECONNRESET');
      // What the later ones get is the system's answer to a receive on a broken connection: an error or the end.
      expect(outcomes.log.slice(1).map((line) => line.slice(0, 1))).to.deep.equal(['b', 'c']);
    });
  }

  it('is seen by a writer at last', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const reading = rejectionOf(read(pal, client));
    await reset(pal, served);
    await reading;
    let failure = null;
    for (let tries = 0; tries < 100 && failure === null; tries++) {
      failure = await write(pal, client, seededBytes(1000)).then(
        () => null,
        (error: unknown) => error as { code: string; kind: number },
      );
      await turns(1, bed);
    }
    expect(failure?.code).to.be.oneOf(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);
    expect(failure?.kind).to.be.oneOf([NetworkErrorCode.ConnectionReset, NetworkErrorCode.WriteFailed]);
  });

  it('breaks pending writes too', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncRead(client, new Uint8Array(10), 10, outcomes.expect('read'));
    for (let index = 0; index < 8; index++) {
      pal.asyncWrite(client, new Uint8Array(4 * 1024 * 1024), outcomes.expect(`write ${index}`));
    }
    await reset(pal, served);
    await outcomes.settled(bed);
    // Linux tells a reset once per socket, and under Wine a pending send may be who hears it: the read then sees an end.
    expect(outcomes.log.find((line) => line.startsWith('read'))).to.match(
      bed.real ? /^read (ECONNRESET|ok)$/ : /^read ECONNRESET$/,
    );
    const writes = outcomes.log.filter((line) => line.startsWith('write'));
    expect(writes.map((line) => line.split(' ')[1])).to.deep.equal(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(writes.at(-1)).to.match(/ECONNRESET|ECONNABORTED|EPIPE/);
  });

  it('resetSocket answers what is pending here with ConnectionClosed', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncRead(client, new Uint8Array(10), 10, outcomes.expect('read'));
    pal.asyncWrite(client, new Uint8Array(32 * 1024 * 1024), outcomes.expect('write'));
    pal.resetSocket(client, outcomes.expect('reset'));
    await outcomes.settled(bed);
    expect([...outcomes.log].sort()).to.deep.equal(['read ECANCELED', 'reset ok', 'write ECANCELED']);
    expect(outcomes.log.at(-1)).to.equal('reset ok');
    expectClosed(outcomes.errors.get('read'), 'read');
    expectClosed(outcomes.errors.get('write'), 'write');
  });

  it('resetSocket turns a close that is flushing into a reset', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(32 * 1024 * 1024), outcomes.expect('write'));
    pal.closeSocket(client, outcomes.expect('close'));
    pal.resetSocket(client, outcomes.expect('reset'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ECANCELED', 'close ok', 'reset ok']);
  });
});
