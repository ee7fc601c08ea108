import { expect } from 'chai';
import { TrustedAddresses } from '../../src/proxy-protocol/trusted-addresses.ts';
import { thrownBy } from '../support/errors.ts';

const trusts = (network: string, address: string): boolean => new TrustedAddresses('from', [network]).has(address);

describe('the addresses that are trusted', () => {
  for (const [network, inside, outside] of [
    ['10.0.0.5', ['10.0.0.5', '::ffff:10.0.0.5'], ['10.0.0.4', '10.0.0.6', '::a00:5', '']],
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0', '::ffff:11.0.0.0']],
    ['10.0.0.128/25', ['10.0.0.128', '10.0.0.255'], ['10.0.0.127', '10.0.1.128']],
    ['10.16.0.0/12', ['10.16.0.0', '10.31.255.255'], ['10.15.255.255', '10.32.0.0']],
    ['0.0.0.0/0', ['1.2.3.4', '::ffff:1.2.3.4'], ['::1', '2001:db8::1']],
    ['192.168.7.1/32', ['192.168.7.1'], ['192.168.7.0']],
    ['::1', ['::1'], ['::2', '0.0.0.1', '127.0.0.1']],
    ['::/0', ['::1', 'fe80::1', '::fffe:0:1'], []],
    ['2001:db8::/33', ['2001:db8:7fff::'], ['2001:db8:8000::', '2001:db9::']],
    ['fe80::/10', ['fe80::1%3', 'febf::1'], ['fec0::1']],
    ['::ffff:10.0.0.0/104', ['10.9.9.9', '::ffff:10.9.9.9'], ['11.0.0.0']],
    ['::ffff:10.0.0.5', ['10.0.0.5', '::ffff:10.0.0.5'], ['10.0.0.6']],
    ['::ffff:0:0/96', ['1.2.3.4', '::ffff:1.2.3.4'], ['::1']],
  ] as const) {
    it(network, () => {
      expect(inside.filter((address) => !trusts(network, address))).to.deep.equal([]);
      expect((outside as readonly string[]).filter((address) => trusts(network, address))).to.deep.equal([]);
    });
  }

  it('are any of several', () => {
    const trusted = new TrustedAddresses('from', ['10.0.0.1', '::1']);
    expect(['10.0.0.1', '::1', '10.0.0.2'].map((address) => trusted.has(address))).to.deep.equal([true, true, false]);
  });

  it('everything of IPv6 is not everything of IPv4: a mapped address is one of IPv4', () => {
    expect(trusts('::/0', '1.2.3.4')).to.equal(false);
    expect(trusts('::/0', '::ffff:1.2.3.4')).to.equal(false);
  });

  for (const wrong of [
    'localhost',
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/8 ',
    '10.0.0/8',
    '10.1.0.0/8',
    '2001:db8::/129',
    '2001:db8::1/64',
    'fe80::1%3',
    'fe80::%3/10',
    '*',
    10,
    null,
    undefined,
  ]) {
    it(`refuses ${String(wrong)}`, () => {
      const error = thrownBy(() => new TrustedAddresses('from', ['10.0.0.1', wrong]));
      expect(error.code).to.equal('ERR_INVALID_ARG_VALUE');
      expect(error.message).to.include('from[1]');
    });
  }
});
