/** Socket addresses on their way into the kernel's form and back. */
import { expect } from 'chai';
import fc from 'fast-check';
import { AF_INET, AF_INET6 } from '../../ffi/constants.ts';
import { sockaddr_in, sockaddr_in6 } from '../../ffi/layouts.ts';
import { formatIpAddress, parseIpAddress } from '../../src/pal/ip-address.ts';
import { readSockaddr, Scratch } from '../../src/memory/scratch.ts';
import { FakeMemory } from '../support/fake-memory.ts';

describe('socket addresses', () => {
  const scratch = new Scratch(new FakeMemory());

  function roundTrip(text: string, port: number) {
    scratch.bytes.fill(0xee);
    const length = scratch.setSockaddr(0, parseIpAddress(text)!, port);
    return readSockaddr(scratch.bytes.subarray(0, length));
  }

  it('keep address, port and scope', () => {
    const scope = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0xffffffff }));
    fc.assert(
      fc.property(fc.ipV6(), scope, fc.nat(65535), (text, scopeId, port) => {
        const parsed = parseIpAddress(text);
        fc.pre(parsed !== null);
        const address = formatIpAddress({ ...parsed, scopeId });
        expect(roundTrip(address, port)).to.deep.equal({ address, port, family: 6 });
      }),
    );
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(65535), (address, port) => {
        expect(roundTrip(address, port)).to.deep.equal({ address, port, family: 4 });
      }),
    );
  });

  it('lie in memory as Windows has them', () => {
    expect(scratch.setSockaddr(0, parseIpAddress('fe80::1:2%5')!, 0x1234)).to.equal(sockaddr_in6.size);
    expect(scratch.view.getUint16(0, true)).to.equal(AF_INET6);
    expect(scratch.view.getUint16(sockaddr_in6.sin6_port, false)).to.equal(0x1234);
    expect(scratch.bytes[sockaddr_in6.sin6_addr]).to.equal(0xfe);
    expect(scratch.bytes[sockaddr_in6.sin6_addr + 15]).to.equal(2);
    expect(scratch.view.getUint32(sockaddr_in6.sin6_scope_id, true), 'in host order').to.equal(5);
    expect(scratch.setSockaddr(0, parseIpAddress('1.2.3.4')!, 80)).to.equal(sockaddr_in.size);
    expect(scratch.view.getUint16(0, true)).to.equal(AF_INET);
  });

  it('of another family are none', () => {
    scratch.view.setUint16(0, 1, true); // AF_UNIX
    expect(readSockaddr(scratch.bytes.subarray(0, 110))).to.equal(null);
  });
});
