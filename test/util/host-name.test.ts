import { expect } from 'chai';
import { isHostName } from '../../src/util/host-name.ts';

describe('host names', () => {
  const label = 'a'.repeat(63);
  for (const text of [
    'localhost',
    'example.com',
    'example.com.',
    'EXAMPLE.com',
    'a',
    '1.2.3.4.example',
    'xn--mnchen-3ya.example',
    'münchen.example',
    'under_score.example',
    '3com',
    '0x7f.example',
    label,
    `${label}.${label}.${label}.${'b'.repeat(61)}`,
  ]) {
    it(`'${text}' may be one`, () => {
      expect(isHostName(text)).to.equal(true);
    });
  }

  for (const text of [
    '',
    '.',
    '..',
    'a..b',
    '.a',
    ' localhost',
    'local host',
    'a\0b',
    'a\u200a',
    'http://example.com',
    'example.com:80',
    'user@example.com',
    'a/b',
    'a\\b',
    '[::1]',
    '::1',
    'fe80::1%4',
    'fe80::1%eth0',
    // getaddrinfo would take these for addresses, and not the ones that were meant.
    '1.2.3',
    '1.2.3.256',
    '127.1',
    '2130706433',
    '0x7f.0x1',
    '1.2.3.4.',
    'a'.repeat(64),
    `${label}.${label}.${label}.${'b'.repeat(62)}`,
  ]) {
    it(`${JSON.stringify(text)} is none`, () => {
      expect(isHostName(text)).to.equal(false);
    });
  }
});
