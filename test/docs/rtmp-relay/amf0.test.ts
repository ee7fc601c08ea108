/** docs/examples/rtmp-relay/amf0.ts: values there and back, and what is none. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeAmf0, encodeAmf0, type Amf0Value } from '../../../docs/examples/rtmp-relay/amf0.ts';
import { ProtocolError } from '../../../docs/examples/rtmp-relay/protocol-error.ts';

/** What the relay itself encodes. */
const { value: values } = fc.letrec<{ value: Amf0Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme' }),
    fc.dictionary(fc.string({ minLength: 1 }), tie('value'), { noNullPrototype: false }),
  ),
}));

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('docs/examples/rtmp-relay: AMF0', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(fc.array(values), (list) => {
        expect(plain(decodeAmf0(encodeAmf0(...list)))).to.deep.equal(plain(list));
      }),
      { seed: 1 },
    );
  });

  const decoded: Record<string, [bytes: number[], value: Amf0Value]> = {
    'an array of which only the end is believed': [[8, 0, 0, 0, 9, 0, 1, 97, 1, 1, 0, 0, 9], { a: true }],
    'a strict array': [
      [10, 0, 0, 0, 2, 5, 6],
      [null, undefined],
    ],
    'a date': [[11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0],
    'a long string': [[12, 0, 0, 0, 1, 98], 'b'],
    'an empty name that is not the end': [[3, 0, 0, 5, 0, 0, 9], { '': null }],
  };
  for (const [what, [bytes, value]] of Object.entries(decoded)) {
    it(`takes ${what}`, () => expect(decodeAmf0(Buffer.from(bytes))).to.deep.equal([value]));
  }

  it('lets nobody reach a prototype', () => {
    const [object] = decodeAmf0(encodeAmf0(JSON.parse('{"__proto__": {"app": "x"}}') as Amf0Value));
    expect((object as { app?: unknown }).app).to.equal(undefined);
  });

  it('refuses objects in objects without end, and arrays whose length is a lie', () => {
    const deep = Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from([3, 0, 1, 97])));
    expect(() => decodeAmf0(deep)).to.throw(ProtocolError, 'nested more than 8 deep');
    expect(() => decodeAmf0(Buffer.from([10, 255, 255, 255, 255, 5]))).to.throw(ProtocolError, 'cut off');
  });

  it('takes any bytes, or says that they are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeAmf0(Buffer.from(bytes.map((byte, index) => (index % 2 === 0 ? byte % 18 : byte))));
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError);
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
