/** The rules of https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, one by one. */
import { expect } from 'chai';
import fc from 'fast-check';
import { crc32c } from '../../src/proxy-protocol/crc32c.ts';
import { MalformedHeader } from '../../src/proxy-protocol/errors.ts';
import type { HeaderFacts } from '../../src/proxy-protocol/header-facts.ts';
import { headerBytesWanted, parseHeader } from '../../src/proxy-protocol/parse-header.ts';
import { ADDRESSES_4, ADDRESSES_6, binary, BINARY, LINE, LOCAL, SIGNATURE, tlv } from '../support/proxy-headers.ts';

/** Reads as the library does, from a stream that gives at most so many bytes at a time. @returns what it says, and how much was taken */
function readFrom(stream: Uint8Array, most = Infinity): { facts: HeaderFacts; taken: number } {
  let taken = 0;
  for (;;) {
    const wanted = headerBytesWanted(Buffer.from(stream.subarray(0, taken)));
    if (wanted === 0) return { facts: parseHeader(Buffer.from(stream.subarray(0, taken))), taken };
    if (taken + 1 > stream.length) throw new Error(`Waits for ${wanted} bytes more`);
    taken = Math.min(taken + Math.min(wanted, most), stream.length);
  }
}

const read = (header: Uint8Array | string): HeaderFacts => readFrom(Buffer.from(header)).facts;

function whyRefused(header: Uint8Array | string): string {
  try {
    read(header);
  } catch (error) {
    if (error instanceof MalformedHeader) return error.message;
    throw error;
  }
  return 'it was taken';
}

/** A header with the right checksum, or one that differs from it. */
function withChecksum(change = 0): Buffer {
  const zeroed = binary(1, 0x11, ADDRESSES_4, tlv(3, Buffer.alloc(4)), tlv(1, 'h2'));
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((crc32c(zeroed) ^ change) >>> 0);
  return binary(1, 0x11, ADDRESSES_4, tlv(3, sum), tlv(1, 'h2'));
}

describe('a PROXY header of version 1', () => {
  it('names both ends, over IPv4', () => {
    expect(read(LINE)).to.deep.equal({
      version: 1,
      command: 'PROXY',
      transport: 'tcp',
      source: { address: '192.0.2.7', port: 56324, family: 4 },
      destination: { address: '198.51.100.1', port: 443, family: 4 },
      tlvs: [],
    });
  });

  it('names both ends, over IPv6, in the form of RFC 5952', () => {
    const { source, destination } = read('PROXY TCP6 2001:DB8:0:0::7 ::ffff:1.2.3.4 0 65535\r\n');
    expect(source).to.deep.equal({ address: '2001:db8::7', port: 0, family: 6 });
    expect(destination).to.deep.equal({ address: '::ffff:1.2.3.4', port: 65535, family: 6 });
  });

  for (const line of [
    'PROXY UNKNOWN\r\n',
    'PROXY UNKNOWN anything at all \0\r\n',
    `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`,
  ]) {
    it(`may be unknown: ${line.length} bytes`, () => {
      expect(read(line)).to.include({ version: 1, transport: 'unknown', source: null, destination: null });
    });
  }

  it('may have 107 bytes', () => {
    const line = `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`;
    expect(line).to.have.lengthOf(107);
    expect(whyRefused(line.replace('f', 'ff'))).to.include('more than the 107 bytes');
  });

  for (const [what, line, why] of [
    ['another start', 'PROXZ TCP4 1.1.1.1 1.1.1.1 1 1\r\n', 'begins so'],
    ['small letters', 'proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n', 'begins so'],
    ['a tab', 'PROXY\tTCP4 1.1.1.1 1.1.1.1 1 1\r\n', 'begins so'],
    ['two spaces before the protocol', 'PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n', 'protocol'],
    ['two spaces before the source', 'PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n', 'one space'],
    ['two spaces before a port', 'PROXY TCP4 1.1.1.1 1.1.1.1  1 1\r\n', 'one space'],
    ['a space before the end', 'PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n', 'one space'],
    ['another protocol', 'PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n', 'protocol'],
    ['UDP4', 'PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n', 'protocol'],
    ['UNKNOWN with letters behind it', 'PROXY UNKNOWNS\r\n1', 'protocol'],
    ['an address of the other family', 'PROXY TCP4 ::1 1.1.1.1 1 1\r\n', 'IPv4'],
    ['an address of the other family (6)', 'PROXY TCP6 1.1.1.1 ::1 1 1\r\n', 'IPv6'],
    ['a name', 'PROXY TCP4 localhost 1.1.1.1 1 1\r\n', 'IPv4'],
    ['an octal address', 'PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n', 'IPv4'],
    ['three numbers', 'PROXY TCP4 1.1.1111 1.1.1.1 1 1\r\n', 'IPv4'],
    ['a zone', 'PROXY TCP6 fe80::1%3 ::1 1 1\r\n', 'IPv6'],
    ['a port with a zero in front', 'PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n', 'ports'],
    ['a port that is too large', 'PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n', 'ports'],
    ['a negative port', 'PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n', 'ports'],
    ['a port with a sign', 'PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n', 'ports'],
    ['a hexadecimal port', 'PROXY TCP4 1.1.1.1 1.1.1.1 0x1 1\r\n', 'ports'],
    ['LF alone', 'PROXY TCP4 1.1.1.1 1.1.1.1 11 11\n', 'CRLF'],
    ['CR alone', 'PROXY TCP4 1.1.1.1 1.1.1.1 11 11\r ', 'CRLF'],
    ['LF CR', 'PROXY TCP4 1.1.1.1 1.1.1.1 11 11\n\r', 'CRLF'],
    ['LF alone in what is to be ignored', 'PROXY UNKNOWN a\nb\r\n', 'CRLF'],
    ['CR alone in what is to be ignored', 'PROXY UNKNOWN a\rb\r\n', 'CRLF'],
    ['bytes that are no ASCII', 'PROXY TCP4 1.1.1.1\u00a01.1.1.1 1 1\r\n', ''],
    ['no end', `PROXY TCP4 ${'1'.repeat(200)}`, 'more than the 107 bytes'],
  ] as const) {
    it(`is refused with ${what}`, () => {
      expect(whyRefused(line)).to.include(why).and.not.equal('it was taken');
    });
  }

  it('is refused at the first byte that no header has', () => {
    for (const start of ['G', 'PROXX', 'PROXY_', 'PRI * HTTP/2.0\r\n'])
      expect(whyRefused(start)).to.include('begins so');
  });
});

describe('a PROXY header of version 2', () => {
  it('names both ends, over IPv4', () => {
    expect(read(BINARY)).to.deep.equal({
      version: 2,
      command: 'PROXY',
      transport: 'tcp',
      source: { address: '192.0.2.7', port: 56324, family: 4 },
      destination: { address: '198.51.100.1', port: 443, family: 4 },
      tlvs: [],
    });
  });

  it('names both ends, over IPv6', () => {
    const { source, destination } = read(binary(1, 0x21, ADDRESSES_6));
    expect(source).to.deep.equal({ address: '2001:db8::7', port: 56324, family: 6 });
    expect(destination).to.deep.equal({ address: '2001:db8::1', port: 443, family: 6 });
  });

  it('may be of a client that speaks UDP to the proxy', () => {
    const { transport, source } = read(binary(1, 0x12, ADDRESSES_4));
    expect({ transport, source: source?.address }).to.deep.equal({ transport: 'udp', source: '192.0.2.7' });
    expect(read(binary(1, 0x22, ADDRESSES_6)).transport).to.equal('udp');
  });

  it('may be of a Unix socket, whose addresses are no end points', () => {
    for (const family of [0x31, 0x32]) {
      const facts = read(binary(1, family, Buffer.alloc(216, 0x61), tlv(5, 'id')));
      expect(facts).to.include({ transport: 'unix', source: null, destination: null });
      expect(facts.tlvs.map(({ value }) => String(value))).to.deep.equal(['id']);
    }
  });

  it('of the proxy itself (LOCAL) says nothing, whatever it contains', () => {
    for (const header of [LOCAL, binary(0, 0x11, ADDRESSES_4), binary(0, 0xff, Buffer.alloc(7)), binary(0, 0x11)]) {
      expect(read(header)).to.deep.equal({
        version: 2,
        command: 'LOCAL',
        transport: 'unknown',
        source: null,
        destination: null,
        tlvs: [],
      });
    }
  });

  it('of an unspecified family or transport says nothing, and its length is heeded', () => {
    for (const family of [0x00, 0x01, 0x02, 0x10, 0x20, 0x30]) {
      const header = binary(1, family, Buffer.alloc(50, 0xee));
      const { facts, taken } = readFrom(Buffer.concat([header, Buffer.from('GET /')]));
      expect(facts).to.include({ command: 'PROXY', transport: 'unknown', source: null });
      expect(taken).to.equal(header.length);
    }
  });

  it('keeps its fields, in order and as they are', () => {
    const { tlvs } = read(
      binary(1, 0x11, ADDRESSES_4, tlv(1, 'h2'), tlv(0xea, Buffer.from([0, 255])), tlv(4, ''), tlv(1, 'h3')),
    );
    expect(tlvs.map(({ type, value }) => [type, Buffer.from(value).toString('latin1')])).to.deep.equal([
      [1, 'h2'],
      [0xea, '\0\u00ff'],
      [4, ''],
      [1, 'h3'],
    ]);
  });

  it('has the checksum that it says it has', () => {
    expect(read(withChecksum()).tlvs.map(({ type }) => type)).to.deep.equal([3, 1]);
    for (const change of [1, 0x80000000, 0xffffffff]) expect(whyRefused(withChecksum(change))).to.include('CRC32c');
    const twice = binary(1, 0x11, ADDRESSES_4, withChecksum().subarray(28, 35), withChecksum().subarray(28, 35));
    expect(whyRefused(twice)).to.match(/checksum/);
    expect(whyRefused(binary(1, 0x11, ADDRESSES_4, tlv(3, Buffer.alloc(3))))).to.include('4 bytes');
  });

  it('may have 4096 bytes', () => {
    const room = 4096 - 16 - 12 - 3;
    expect(read(binary(1, 0x11, ADDRESSES_4, tlv(4, Buffer.alloc(room)))).tlvs[0]?.value).to.have.lengthOf(room);
    expect(whyRefused(binary(1, 0x11, ADDRESSES_4, tlv(4, Buffer.alloc(room + 1))))).to.include('4097');
    expect(whyRefused(binary(0, 0, Buffer.alloc(65_535))), 'LOCAL too').to.include('65551');
  });

  for (const [what, header, why] of [
    ['a damaged signature', Buffer.from('\r\n\r\n\0\r\nQUIT\r\u0021\u0011\0\u000c', 'latin1'), 'signature'],
    ['version 1', Buffer.concat([SIGNATURE, Buffer.from([0x11, 0x11, 0, 12]), ADDRESSES_4]), 'version'],
    ['version 3', Buffer.concat([SIGNATURE, Buffer.from([0x31, 0x11, 0, 12]), ADDRESSES_4]), 'version'],
    ['command 2', binary(2, 0x11, ADDRESSES_4), 'command'],
    ['command 15', binary(15, 0x11, ADDRESSES_4), 'command'],
    ['family 4', binary(1, 0x41, ADDRESSES_4), 'family'],
    ['family 15', binary(1, 0xf1, ADDRESSES_4), 'family'],
    ['transport 3', binary(1, 0x13, ADDRESSES_4), 'transport'],
    ['transport 15', binary(1, 0x1f, ADDRESSES_4), 'transport'],
    ['no room for its addresses', binary(1, 0x11, ADDRESSES_4.subarray(0, 11)), '12 bytes'],
    ['no room for addresses of IPv6', binary(1, 0x21, ADDRESSES_4), '36 bytes'],
    ['no room for Unix addresses', binary(1, 0x31, ADDRESSES_6), '216 bytes'],
    ['a field without a length', binary(1, 0x11, ADDRESSES_4, Buffer.from([1])), 'no room'],
    ['a field with half a length', binary(1, 0x11, ADDRESSES_4, Buffer.from([1, 0])), 'no room'],
    ['a field that is cut off', binary(1, 0x11, ADDRESSES_4, Buffer.from([1, 0, 2, 0x68])), 'beyond its end'],
    ['a unique id of 129 bytes', binary(1, 0x11, ADDRESSES_4, tlv(5, Buffer.alloc(129))), '128 bytes'],
  ] as const) {
    it(`is refused with ${what}`, () => {
      expect(whyRefused(header)).to.include(why);
    });
  }

  it('is refused before its length is waited for', () => {
    const start = Buffer.concat([SIGNATURE, Buffer.from([0x22])]);
    expect(() => headerBytesWanted(start)).to.throw(MalformedHeader, 'command');
    expect(() => headerBytesWanted(Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x51])]))).to.throw('family');
  });
});

describe('a PROXY header in a stream', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const line = fc
    .oneof(
      fc.tuple(fc.constant('TCP4'), fc.ipV4(), fc.ipV4(), port, port),
      fc.tuple(fc.constant('TCP6'), fc.ipV6(), fc.ipV6(), port, port),
    )
    .map((fields) => Buffer.from(`PROXY ${fields.join(' ')}\r\n`))
    .filter(({ length }) => length <= 107);
  const field = fc
    .tuple(fc.integer({ min: 6, max: 255 }), fc.uint8Array({ maxLength: 300 }))
    .map(([type, value]) => tlv(type, value));
  const fields = fc.array(field, { maxLength: 5 }).map((parts) => Buffer.concat(parts));
  const version2 = fc.oneof(
    fc.tuple(fc.constantFrom(0x11, 0x12), fc.uint8Array({ minLength: 12, maxLength: 12 }), fields),
    fc.tuple(fc.constantFrom(0x21, 0x22), fc.uint8Array({ minLength: 36, maxLength: 36 }), fields),
  );
  const header = fc.oneof(
    line,
    version2.map(([family, addresses, tlvs]) => binary(1, family, addresses, tlvs)),
    fc.constantFrom(LOCAL, BINARY, Buffer.from('PROXY UNKNOWN\r\n'), Buffer.from('PROXY UNKNOWN \r\n')),
  );
  const SEED = { seed: 7, numRuns: 500 };

  it('says the same in whatever pieces it comes, and nothing behind it is ever taken', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (bytes, data, most) => {
        const stream = Buffer.concat([bytes, data]);
        const whole = readFrom(stream);
        expect(whole.taken).to.equal(bytes.length);
        expect(readFrom(stream, most)).to.deep.equal(whole);
      }),
      SEED,
    );
  });

  it('is never complete before its last byte, and never asks for more than there can be', () => {
    fc.assert(
      fc.property(header, fc.nat(), (bytes, cut) => {
        const length = cut % bytes.length;
        const wanted = headerBytesWanted(bytes.subarray(0, length));
        expect(wanted).to.be.within(1, bytes.length - length);
      }),
      SEED,
    );
  });

  it('throws nothing else for what is damaged, and reads 4096 bytes at most', () => {
    fc.assert(
      fc.property(
        header,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        (bytes, damages) => {
          const damaged = Buffer.concat([bytes, Buffer.alloc(4200)]);
          for (const [at, value] of damages) damaged[at % bytes.length] = value;
          try {
            expect(readFrom(damaged, 3).taken).to.be.at.most(4096);
          } catch (error) {
            if (!(error instanceof MalformedHeader)) throw error;
          }
        },
      ),
      SEED,
    );
  });

  it('throws nothing else for what is anything', () => {
    const start = fc.constantFrom(Buffer.from('PROXY TCP4 '), Buffer.from('PROXY '), SIGNATURE, Buffer.alloc(0));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (begin, rest) => {
        const stream = Buffer.concat([begin, rest, Buffer.alloc(70_000)]);
        expect(() => readFrom(stream)).to.satisfy((read: () => unknown) => {
          try {
            read();
          } catch (error) {
            return error instanceof MalformedHeader;
          }
          return true;
        });
      }),
      SEED,
    );
  });

  it('of what is a header the ends are what was written', () => {
    fc.assert(
      fc.property(line, (bytes) => {
        const [, , from = '', , fromPort = '', toPort = ''] = bytes.toString().trim().split(' ');
        const { source, destination } = read(bytes);
        expect([source?.port, destination?.port]).to.deep.equal([Number(fromPort), Number(toPort)]);
        if (source?.family === 4) expect(source.address).to.equal(from);
      }),
      SEED,
    );
  });
});
