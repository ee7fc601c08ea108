/** Link-local addresses: the zone goes all the way to the kernel and back. */
import { networkInterfaces } from 'node:os';
import { expect } from 'chai';
import { iocpWorker } from '../support/beds.ts';
import { accept, connect } from '../support/io.ts';
import { sharedPal } from '../support/pal-fixture.ts';

/** `fe80::…%3` of an interface of this machine, or null. */
function linkLocalAddress(): string | null {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const entry of addresses ?? []) {
      if (entry.family === 'IPv6' && entry.address.startsWith('fe80:') && entry.scopeid > 0) {
        return `${entry.address.replace(/%.*/, '')}%${entry.scopeid}`;
      }
    }
  }
  return null;
}

describe('a link-local address', () => {
  const fixture = sharedPal(iocpWorker);

  it('is bound, connected to and reported with its zone', async function () {
    const address = linkLocalAddress();
    if (address === null) return this.skip();
    const { pal } = fixture;
    const server = pal.createServer(address, 0);
    expect(server.address).to.equal(address);
    const [client, { socket, peer }] = await Promise.all([
      connect(pal, address, server.port),
      accept(pal, server.handle),
    ]);
    expect(peer.address).to.equal(address);
    expect(pal.getRemoteAddress(client)).to.equal(address);
    expect(pal.getLocalAddress(socket)).to.equal(address);
    expect(pal.getLocalAddress(client)).to.equal(address);
  });
});
