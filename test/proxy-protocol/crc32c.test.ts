import { expect } from 'chai';
import { crc32c } from '../../src/proxy-protocol/crc32c.ts';

describe('crc32c', () => {
  // The examples of RFC 3720, B.4, and the check value of the catalogue of CRCs.
  for (const [name, bytes, sum] of [
    ['nothing', Buffer.alloc(0), 0],
    ['123456789', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of 0xff', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 … 31', Buffer.from(Array.from({ length: 32 }, (_, byte) => byte)), 0x46dd794e],
  ] as const) {
    it(`of ${name}`, () => {
      expect(crc32c(bytes)).to.equal(sum);
    });
  }
});
