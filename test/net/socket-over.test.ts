/** socketOver(): a Socket of a connection that the calls of a PAL have made. */
import { expect } from 'chai';
import net, { socketOver } from '../../src/net/index.ts';
import { windowsNet } from '../../src/net/windows-net.ts';
import { onEveryBed } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { pair, readExactly, write } from '../support/io.ts';
import { testPal } from '../support/pal-fixture.ts';
import { bytesOf } from './support/sockets.ts';

onEveryBed('socketOver()', (bed) => {
  const fixture = testPal(bed);
  const NOWHERE = { address: '192.0.2.1', port: 1, family: 4 } as const;

  it('makes a Socket of iocp-pal/net, with the ends, the options and the bytes that it is given', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    pal.setSocketOption(served, 'KeepAlive', true);
    const socket = socketOver(pal, served, { peer: NOWHERE, local: NOWHERE, head: Buffer.from('before, ') });
    expect(socket).to.be.instanceOf(windowsNet.Socket);
    expect([socket.remoteAddress, socket.localPort, socket.readyState]).to.deep.equal(['192.0.2.1', 1, 'open']);
    socket.setKeepAlive(false); // which changes something: it knows that it was on
    expect(pal.getSocketOption(served, 'KeepAlive')).to.equal(false);
    await write(pal, client, Buffer.from('behind'));
    pal.shutdown(client, 'send');
    expect(String(await bytesOf(socket))).to.equal('before, behind');
  });

  it('takes writes of any length on a PAL with short queues', async () => {
    const pal = bed.create({
      ...bed.oneProcess?.(),
      strict: true,
      maxQueuedBytesPerSocket: 65_536,
      maxQueuedBytes: 65_536,
    });
    pal.initialize();
    const running = pal.runEventLoop();
    const { client, served } = await pair(pal);
    const socket = socketOver(pal, served, { peer: NOWHERE, local: NOWHERE });
    const bytes = seededBytes(3_000_000);
    const written = new Promise<void>((resolve, reject) => {
      socket.once('error', reject).write(bytes, () => resolve());
    });
    expect((await readExactly(pal, client, bytes.length)).equals(bytes)).to.equal(true);
    await written;
    await pal.stopEventLoop();
    await running;
  });

  it('is not there under the name of node:net', () => {
    expect(Object.keys(net)).not.to.include('socketOver');
  });
});
