/** closeSocket with things pending: each callback exactly once, with the right error, before the close callback. */
import { expect } from 'chai';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed } from '../../support/errors.ts';
import { close, connect, pair, read, readToEnd, reset, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal, testPal } from '../../support/pal-fixture.ts';

const MIB = 1024 * 1024;
/** More than any kernel buffers for a peer that does not read. */
const TOO_MUCH = 32 * MIB;

onEveryBed('close', (bed) => {
  const fixture = sharedPal(bed);

  it('answers pending reads, then itself', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    for (const label of ['a', 'b', 'c']) pal.asyncRead(client, new Uint8Array(10), 10, outcomes.expect(label));
    pal.closeSocket(client, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['a ECANCELED', 'b ECANCELED', 'c ECANCELED', 'close ok']);
    for (const label of ['a', 'b', 'c']) {
      expectClosed(outcomes.errors.get(label), label);
      expect(outcomes.values.get(label), 'bytes').to.equal(0);
    }
  });

  it('with a read pending ends the stream in good order for the peer', async () => {
    // On Windows, closesocket with a receive pending sends RST: the FIN must go out before.
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncRead(client, new Uint8Array(10), 10, outcomes.expect('read'));
    const atPeer = readToEnd(pal, served);
    await write(pal, client, seededBytes(1000));
    pal.closeSocket(client, outcomes.expect('close'));
    expect((await atPeer).equals(seededBytes(1000))).to.equal(true);
    await outcomes.settled(bed);
  });

  it('flushes what was queued, answers it, then itself', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const sent = seededBytes(8 * MIB);
    for (let index = 0; index < 8; index++) {
      pal.asyncWrite(client, sent.subarray(index * MIB, (index + 1) * MIB), outcomes.expect(`write ${index}`));
    }
    pal.closeSocket(client, outcomes.expect('close'));
    expect((await readToEnd(pal, served)).equals(sent)).to.equal(true);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal([...[0, 1, 2, 3, 4, 5, 6, 7].map((index) => `write ${index} ok`), 'close ok']);
  });

  it('with reads and writes pending answers the reads at once and flushes the writes', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const sent = seededBytes(8 * MIB);
    pal.asyncRead(client, new Uint8Array(10), 10, outcomes.expect('read'));
    pal.asyncWrite(client, sent, outcomes.expect('write'));
    pal.closeSocket(client, outcomes.expect('close'));
    expect((await readToEnd(pal, served)).equals(sent)).to.equal(true);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['read ECANCELED', 'write ok', 'close ok']);
  });

  it('is not held up by a peer that breaks the connection during the flush', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
    pal.closeSocket(client, outcomes.expect('close'));
    await reset(pal, served);
    await outcomes.settled(bed);
    expect(outcomes.log.map((line) => line.split(' ')[0])).to.deep.equal(['write', 'close']);
    expect(outcomes.errors.get('write')?.code).to.be.oneOf(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);
  });

  it('twice answers both callbacks', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncRead(client, new Uint8Array(1), 1, outcomes.expect('read'));
    pal.closeSocket(client, outcomes.expect('first'));
    pal.closeSocket(client, outcomes.expect('second'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['read ECANCELED', 'first ok', 'second ok']);
  });

  it('of a closed handle is a no-op that calls back', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    await close(pal, client);
    pal.closeSocket(client);
    pal.resetSocket(client);
    await close(pal, client);
    await reset(pal, client);
  });

  it('without a callback closes too', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    pal.closeSocket(client);
    expect((await read(pal, served)).length).to.equal(0);
  });

  it('calls back in a later turn', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    let inside = true;
    const later = new Promise<boolean>((resolve) => pal.closeSocket(client, () => resolve(!inside)));
    inside = false;
    expect(await later).to.equal(true);
  });

  it('from inside callbacks of the same socket', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const closed = outcomes.expect('close');
    const first = outcomes.expect('first');
    pal.asyncRead(client, new Uint8Array(1), 1, (error, bytes) => {
      first(error, bytes);
      pal.closeSocket(client, closed);
    });
    pal.asyncRead(client, new Uint8Array(1), 1, outcomes.expect('second'));
    await write(pal, served, seededBytes(2));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['first ok', 'second ECANCELED', 'close ok']);
  });

  it('from inside a write callback', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const [first, closed] = [outcomes.expect('first'), outcomes.expect('close')];
    pal.asyncWrite(client, seededBytes(10), (error, bytes) => {
      first(error, bytes);
      pal.closeSocket(client, closed);
    });
    pal.asyncWrite(client, seededBytes(10), outcomes.expect('second'));
    const received = await readToEnd(pal, served);
    await outcomes.settled(bed);
    expect(received.length).to.equal(20);
    expect(outcomes.log).to.deep.equal(['first ok', 'second ok', 'close ok']);
  });

  it('from inside the connect callback', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const [connected, closed] = [outcomes.expect('connect'), outcomes.expect('close')];
    pal.asyncConnect('127.0.0.1', server.port, {}, (error, socket) => {
      connected(error, socket);
      pal.closeSocket(socket, closed);
    });
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['connect ok', 'close ok']);
  });

  it('of the server from inside an accept callback', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const outcomes = new Outcomes();
    const [accepted, closed] = [outcomes.expect('accept'), outcomes.expect('close')];
    pal.asyncAccept(server.handle, (error, socket) => {
      accepted(error, socket);
      pal.closeSocket(server.handle, closed);
    });
    pal.asyncAccept(server.handle, outcomes.expect('second'));
    await connect(pal, '127.0.0.1', server.port);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['accept ok', 'second ECANCELED', 'close ok']);
  });

  it('of both sides at once, with everything pending', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    for (const [name, socket] of [
      ['client', client],
      ['served', served],
    ] as const) {
      pal.asyncRead(socket, new Uint8Array(10), 10, outcomes.expect(`${name} read`));
      pal.asyncWrite(socket, new Uint8Array(100_000), outcomes.expect(`${name} write`));
      pal.closeSocket(socket, outcomes.expect(`${name} close`));
    }
    await outcomes.settled(bed);
    for (const name of ['client', 'served']) {
      const own = outcomes.log.filter((line) => line.startsWith(name)).map((line) => line.split(' ')[1]);
      expect([...own].sort()).to.deep.equal(['close', 'read', 'write']);
      expect(own.at(-1)).to.equal('close');
      expectClosed(outcomes.errors.get(`${name} read`));
    }
  });

  it('of many connections with reads and connects pending', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const outcomes = new Outcomes();
    for (let index = 0; index < 100; index++) {
      const handle = pal.asyncConnect('127.0.0.1', server.port, {}, outcomes.expect(`connect ${index}`));
      if (index % 2 === 0) pal.closeSocket(handle, outcomes.expect(`close ${index}`));
    }
    await outcomes.settled(bed);
    for (let index = 0; index < 100; index++) {
      expect(outcomes.errors.get(`connect ${index}`)?.code, `connect ${index}`).to.equal(
        index % 2 === 0 ? 'ECANCELED' : undefined,
      );
      if (index % 2 === 0) {
        const place = (label: string): number => outcomes.log.findIndex((line) => line.startsWith(`${label} `));
        expect(place(`connect ${index}`)).to.be.below(place(`close ${index}`));
      }
    }
  });
});

onEveryBed('close grace', (bed) => {
  const fixture = testPal(bed, { closeGraceMs: 50 });

  it('ends a flush that takes too long, with ConnectionClosed and a reset', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
    pal.asyncWrite(client, new Uint8Array(10), outcomes.expect('behind'));
    pal.closeSocket(client, outcomes.expect('close'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ECANCELED', 'behind ECANCELED', 'close ok']);
    expectClosed(outcomes.errors.get('write'));
    expect(outcomes.values.get('write'), 'bytes that the kernel took').to.be.within(0, TOO_MUCH - 1);
    // A FIN would tell the peer that this was all.
    const received = await readToEnd(pal, served).then(
      (bytes) => bytes.length,
      (error: unknown) => (error as { code: string }).code,
    );
    if (typeof received === 'number') expect(received).to.be.below(TOO_MUCH);
    else expect(received).to.equal('ECONNRESET');
  });
});

onEveryBed('close grace that is long enough', (bed) => {
  const fixture = sharedPal(bed, { closeGraceMs: 5000 });

  it('touches no flush, of whichever socket', async () => {
    const { pal } = fixture;
    const outcomes = new Outcomes();
    for (let index = 0; index < 5; index++) {
      const { client, served } = await pair(pal);
      pal.asyncWrite(client, seededBytes(MIB), outcomes.expect(`write ${index}`));
      pal.closeSocket(client, outcomes.expect(`close ${index}`));
      expect((await readToEnd(pal, served)).equals(seededBytes(MIB))).to.equal(true);
    }
    await outcomes.settled(bed);
    expect([...outcomes.errors.values()].every((error) => error === null)).to.equal(true);
  });
});
