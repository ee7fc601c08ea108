/** Addresses of datagrams: remembered, and never taken for one another. */
import { expect } from 'chai';
import { parseIpAddress } from '../../src/pal/ip-address.ts';
import { writeSockaddr } from '../../src/memory/scratch.ts';
import { DestinationCache, PeerCache, ResolvedDestination } from '../../src/sockets/socket-addresses.ts';

function parsed(address: string): NonNullable<ReturnType<typeof parseIpAddress>> {
  const result = parseIpAddress(address);
  if (result === null) throw new Error(`${address} is no address`);
  return result;
}

function wordsOf(address: string, port: number): Uint32Array {
  const bytes = new Uint8Array(28);
  writeSockaddr(bytes, parsed(address), port);
  return new Uint32Array(bytes.buffer);
}

describe('peers', () => {
  it('are one object each, from when there are as many as a busy server has', () => {
    const cache = new PeerCache();
    const ports = Array.from({ length: 200 }, (_, index) => 20_000 + index);
    const find = (): unknown[] => ports.map((port) => cache.find(wordsOf('10.0.0.1', port), 0));
    for (let round = 0; round < 20; round++) {
      expect(find()).to.deep.equal(ports.map((port) => ({ address: '10.0.0.1', port, family: 4 })));
    }
    const [before, after] = [find(), find()];
    const again = before.filter((peer, index) => peer === after[index]).length;
    expect(again, 'the same object').to.be.above(195);
  });
});

describe('destinations', () => {
  const make = (address: string, port: number): ResolvedDestination =>
    new ResolvedDestination(address, parsed(address), port);

  it('are found again, and no other in their place', () => {
    const cache = new DestinationCache();
    const known = Array.from({ length: 100 }, (_, index) => make(`10.0.${index % 7}.${index}`, 30_000 + (index % 50)));
    for (const destination of known) cache.remember(destination);
    let found = 0;
    for (const { address, port } of known) {
      const destination = cache.find(address, port);
      if (destination === null) continue;
      found++;
      expect(destination).to.include({ address, port });
    }
    expect(found).to.be.above(95);
    for (let port = 1; port < 2000; port++) expect(cache.find('10.0.0.0', port)).to.equal(null);
  });

  it('are those of addresses and ports only', () => {
    const cache = new DestinationCache();
    for (const port of [1, 2]) cache.remember(make('::1', port));
    for (const [address, port] of [
      [undefined, 1],
      ['::1', '1'],
      ['', 1],
      [{}, {}],
      ['::1', NaN],
    ])
      expect(cache.find(address, port)).to.equal(null);
    expect(cache.find('::1', 2)).to.include({ port: 2 });
  });
});
