/** The queue of sends is bounded, and one that cannot be sent fails alone. */
import { expect } from 'chai';
import { NetworkErrorCode } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { rejectionOf } from '../../support/errors.ts';
import { testPal } from '../../support/pal-fixture.ts';
import { send } from '../../support/udp.ts';

onEveryBed('udp, the queue of sends', (bed) => {
  const fixture = testPal(bed, { maxQueuedBytesPerSocket: 65536 });

  it('refuses beyond maxQueuedBytesPerSocket, and counts what it holds', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const sends = Array.from({ length: 32 }, () => send(pal, client.handle, new Uint8Array(2048), server));
    expect(pal.getQueuedBytes(client.handle)).to.equal(65536);
    expect(pal.stats().queuedBytes).to.equal(65536);
    const refused = rejectionOf(send(pal, client.handle, new Uint8Array(1), server));
    const error = await refused;
    expect(error).to.include({ code: 'ERR_WRITE_QUEUE_FULL', kind: NetworkErrorCode.ResourceExhausted });
    await Promise.all(sends);
    expect(pal.getQueuedBytes(client.handle)).to.equal(0);
    expect(pal.stats()).to.include({ queuedBytes: 0, datagramsSent: 32 });
  });

  it('a buffer that is detached before its turn fails alone', async () => {
    const { pal } = fixture;
    const server = pal.createUdpSocket('127.0.0.1', 0);
    const client = pal.createUdpSocket('127.0.0.1', 0);
    const gone = new Uint8Array(100);
    const before = Array.from({ length: 16 }, () => send(pal, client.handle, 'before', server));
    const failed = rejectionOf(send(pal, client.handle, gone, server));
    const after = send(pal, client.handle, 'after', server);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(await failed).to.include({ code: 'ERR_BUFFER_DETACHED', kind: NetworkErrorCode.WriteFailed });
    await Promise.all([...before, after]);
    expect(pal.stats()).to.include({ datagramsSent: 17, bytesSent: 16 * 6 + 5 });
  });
});
