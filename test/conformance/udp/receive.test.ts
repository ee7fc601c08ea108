/** Datagrams that do not fit, and those that come when nobody asks. */
import { expect } from 'chai';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { receive, receiveMany, send } from '../../support/udp.ts';
import { turns, until } from '../../support/until.ts';

onEveryBed('udp, datagrams that do not fit', (bed) => {
  const fixture = testPal(bed);

  it('are cut at the buffer, with their true size, and the next one is whole', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const sent = seededBytes(3000);
    const received = [receive(pal, server.handle, 1000), receive(pal, server.handle, 4096)];
    await send(pal, client.handle, sent, server);
    await send(pal, client.handle, 'next', server);
    const [cut, next] = await Promise.all(received);
    expect(cut).to.include({ size: 3000 });
    expect(cut?.data.equals(sent.subarray(0, 1000))).to.equal(true);
    expect(next).to.include({ size: 4 });
    // maxBytes counts, not the buffer.
    const buffer = Buffer.alloc(100, '.');
    const told = new Promise((resolve) => {
      pal.asyncReceiveFrom(server.handle, buffer, 2, (error, bytes, _peer, size) => resolve({ error, bytes, size }));
    });
    await send(pal, client.handle, 'abcdef', server);
    expect(await told).to.deep.equal({ error: null, bytes: 2, size: 6 });
    expect(buffer.toString('latin1', 0, 4)).to.equal('ab..');
    expect(pal.stats()).to.include({ datagramsReceived: 3, datagramsTruncated: 2 });
  });

  for (const receiveDepth of [1, 2]) {
    it(`are cut by the system at maxDatagramSize, and nobody knows their size (receiveDepth ${receiveDepth})`, async () => {
      const { pal } = fixture;
      const server = pal.createUdpSocket('127.0.0.1', 0, { maxDatagramSize: 100, receiveDepth });
      const client = pal.createUdpSocket('127.0.0.1', 0);
      // Some find a receive pending, some are there before it is posted, some before a call that answers at once.
      for (const size of [99, 100, 101, 5000]) {
        const sent = seededBytes(size, size);
        for (let count = 0; count < 6; count++) await send(pal, client.handle, sent, server);
        for (const { data, size: told } of await receiveMany(pal, server.handle, 6)) {
          expect(data.equals(sent.subarray(0, 100)), `the first bytes of ${size}`).to.equal(true);
          expect(told).to.equal(size > 100 ? Infinity : size);
        }
      }
      expect(pal.stats()).to.include({ datagramsReceived: 24, datagramsTruncated: 12 });
    });
  }
});

onEveryBed('udp, when nobody asks', (bed) => {
  const fixture = testPal(bed);
  /** `count` datagrams of two bytes, the first one asked for; resolves when the rest was kept or dropped. */
  async function flood(options: object, count: number): Promise<() => Promise<number[]>> {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0, options);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const first = receive(pal, server.handle);
    for (let number = 0; number < count; number++) {
      await send(pal, client.handle, new Uint8Array([number, 0]), server);
    }
    await first;
    await until(
      () => pal.stats().datagramsReceived === count,
      () => `${count} datagrams, with ${pal.stats().datagramsReceived}`,
      bed,
    );
    return async () => {
      const kept = count - 1 - pal.stats().datagramsDropped;
      const received = await receiveMany(pal, server.handle, kept);
      expect(pal.describe(), 'what is left of them').to.not.include('datagrams untaken');
      return received.map(({ data }) => data[0] ?? -1);
    };
  }

  it('datagrams are kept and handed out in order', async () => {
    const rest = await flood({}, 50);
    expect(fixture.pal.stats().datagramsDropped).to.equal(0);
    expect(await rest()).to.deep.equal(Array.from({ length: 49 }, (_, index) => index + 1));
  });

  it('the newest are dropped and counted beyond maxQueuedReceiveBytes', async () => {
    const rest = await flood({ maxQueuedReceiveBytes: 5 * 512 }, 20);
    expect(fixture.pal.stats().datagramsDropped).to.equal(14);
    expect(await rest()).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('or the oldest', async () => {
    const rest = await flood({ maxQueuedReceiveBytes: 5 * 512, dropWhenFull: 'oldest' }, 20);
    expect(fixture.pal.stats().datagramsDropped).to.equal(14);
    expect(await rest()).to.deep.equal([15, 16, 17, 18, 19]);
  });

  it('nothing is kept where the limit is 0', async () => {
    const rest = await flood({ maxQueuedReceiveBytes: 0, dropWhenFull: 'oldest' }, 5);
    expect(fixture.pal.stats().datagramsDropped).to.equal(4);
    expect(await rest()).to.deep.equal([]);
  });

  it('closing forgets what was kept', async () => {
    await flood({}, 10); // the fixture sees that no block stays in use
  });

  it('a socket that never asked has no receive posted', async () => {
    const { pal } = fixture;
    pal.createUdpSocket('127.0.0.1', 0);
    await turns(3, bed);
    expect(pal.stats()).to.include({ udpSockets: 1, pinnedBytes: 0 });
  });
});
