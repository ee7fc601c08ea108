import { isIPv6 } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  formatIpAddress,
  isLoopback,
  isMappedIPv4,
  isUnspecified,
  loopback,
  parseIpAddress,
  unspecified,
  whyNoAddress,
  type IpAddress,
} from '../../src/pal/ip-address.ts';

const arbitraryBytes = (length: number) =>
  // Zero bytes often: runs of them are what RFC 5952 shortens.
  fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })), { minLength: length, maxLength: length });

const arbitraryAddress: fc.Arbitrary<IpAddress> = fc.oneof(
  arbitraryBytes(4).map((bytes) => ({ family: 4 as const, bytes: Uint8Array.from(bytes), scopeId: 0 })),
  fc
    .tuple(arbitraryBytes(16), fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0xffffffff })))
    .map(([bytes, scopeId]) => ({ family: 6 as const, bytes: Uint8Array.from(bytes), scopeId })),
);

describe('IP addresses', () => {
  it('come back unchanged through text', () => {
    fc.assert(
      fc.property(arbitraryAddress, (address) => {
        expect(parseIpAddress(formatIpAddress(address))).to.deep.equal(address);
      }),
      { numRuns: 1000 },
    );
  });

  it('are parsed from any way to write them, as Node reads it', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        fc.pre(isIPv6(text));
        const parsed = parseIpAddress(text)!;
        const canonical = formatIpAddress(parsed);
        expect(parseIpAddress(canonical)).to.deep.equal(parsed);
        // The URL parser is another implementation to compare with.
        expect(new URL(`http://[${text}]/`).hostname).to.equal(new URL(`http://[${canonical}]/`).hostname);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(formatIpAddress(parseIpAddress(text)!)).to.equal(text);
      }),
    );
  });

  const written: [string, string][] = [
    ['127.0.0.1', '127.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8::A', '2001:db8::a'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['::ffff:102:304', '::ffff:1.2.3.4'],
    ['1::', '1::'],
    ['fe80::1%4', 'fe80::1%4'],
    ['fe80::1%4294967295', 'fe80::1%4294967295'],
    ['fe80::1%0', 'fe80::1'],
  ];
  for (const [text, canonical] of written) {
    it(`'${text}' is '${canonical}'`, () => {
      expect(formatIpAddress(parseIpAddress(text)!)).to.equal(canonical);
    });
  }

  for (const text of [
    '',
    ' ',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4:80',
    '0x7f.0.0.1',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '[::1]',
    '::1/64',
    'g::1',
    'fe80::1%',
    'fe80::1%eth0',
    'fe80::1%4294967296',
    'fe80::1%12345678901',
    '1.2.3.4%1',
  ]) {
    it(`'${text}' is none`, () => {
      expect(parseIpAddress(text)).to.equal(null);
    });
  }

  it('say what they stand for', () => {
    const of = (text: string): IpAddress => parseIpAddress(text)!;
    for (const text of ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.9'])
      expect(isLoopback(of(text)), text).to.equal(true);
    for (const text of ['128.0.0.1', '::', '::2', '1::1', '::ffff:128.0.0.1', '::7f00:1'])
      expect(isLoopback(of(text)), text).to.equal(false);
    for (const text of ['0.0.0.0', '::']) expect(isUnspecified(of(text)), text).to.equal(true);
    for (const text of ['0.0.0.1', '::1', '1::']) expect(isUnspecified(of(text)), text).to.equal(false);
    expect([loopback(4), loopback(6), unspecified(4), unspecified(6)].map(formatIpAddress)).to.deep.equal([
      '127.0.0.1',
      '::1',
      '0.0.0.0',
      '::',
    ]);
  });

  it('say whether they stand for an IPv4 address', () => {
    const of = (text: string): boolean => isMappedIPv4(parseIpAddress(text)!);
    for (const text of ['::ffff:1.2.3.4', '::ffff:0:0', '::ffff:127.0.0.1']) expect(of(text), text).to.equal(true);
    for (const text of ['::', '::1.2.3.4', '1::ffff:1.2.3.4', '::ffff:0:1.2.3.4', '1.2.3.4', '255.255.255.255']) {
      expect(of(text), text).to.equal(false);
    }
  });

  it('that name an interface by its name get an error that says how to name it', () => {
    expect(whyNoAddress('fe80::1%eth0')).to.match(/zone 'eth0' must be the number of an interface.*scopeid/);
    expect(whyNoAddress('fe80::1%4294967296')).to.match(/0 … 4294967295/);
    for (const text of ['', 'localhost', '1.2.3', '[fe80::1%eth0]', 'fe80::1%']) {
      expect(whyNoAddress(text), text).to.equal('');
    }
  });
});
