import { readdirSync, readFileSync } from 'node:fs';

import { expect } from 'chai';

import { NtStatus, type NtStatusName, WINSOCK_ERROR_BY_NTSTATUS } from '../../ffi/ntstatus.ts';
import { describeSystemError } from '../../ffi/system-error.ts';
import { OWN_WORDS, SystemErrorCode, type SystemErrorName } from '../../ffi/wsa-errors.ts';
import { ADDRESS_INFO_WORDS, describeAddressInfoError } from '../ffi/address-info.ts';

const page = new URL('../../docs/errors.md', import.meta.url);

/** The library: beside the tests, as they are or compiled like them. */
const sources = new URL('../../src/', import.meta.url);
const OWN_CODE = /'((?:ERR|ABORT)_[A-Z_]+)'/g;

/** The cells of the only table under a heading, without its two header lines. */
function readTable(markdown: string, heading: string): string[][] {
  const lines = markdown.split(/\r?\n/);
  const start = lines.indexOf(heading);
  expect(start, `docs/errors.md has the heading ${heading}`).to.be.at.least(0);
  const end = lines.findIndex((line, index) => index > start && /^#+ /.test(line));
  const rows = lines.slice(start, end === -1 ? undefined : end).filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('docs/errors.md', () => {
  let markdown = '';
  before(() => {
    markdown = readFileSync(page, 'utf8');
  });

  it('lists every code of our own that the sources use, and no other', () => {
    const used = new Set<string>();
    for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
      // The faces speak Node's words, which are on Node's pages.
      if (!/\.(ts|js)$/.test(file) || /^(net|dgram|node-shape)[\\/]/.test(file)) continue;
      for (const [, code = ''] of readFileSync(new URL(file.replaceAll('\\', '/'), sources), 'utf8').matchAll(OWN_CODE))
        used.add(code);
    }
    const section = markdown.split('## Codes of our own')[1]?.split('\n## ')[0] ?? '';
    const listed = new Set(Array.from(section.matchAll(/`((?:ERR|ABORT)_[A-Z_]+)`/g), ([, code = '']) => code));
    listed.delete('ERR_');
    expect(used).to.have.property('size').above(30);
    expect([...listed].sort()).to.deep.equal([...used].sort());
  });

  it('shows the NTSTATUS table of ffi/ntstatus.ts', () => {
    const expected = (Object.keys(NtStatus) as NtStatusName[]).map((name) => {
      const status = `\`0x${NtStatus[name].toString(16).padStart(8, '0')}\``;
      const code = WINSOCK_ERROR_BY_NTSTATUS[name];
      if (code === 0) return [status, `\`${name}\``, '0 (success)', ''];
      const described = describeSystemError(code);
      return [status, `\`${name}\``, `${String(code)} \`${described.name}\``, `\`${described.code}\``];
    });
    expect(expected).to.have.length.above(60);
    expect(readTable(markdown, '## NTSTATUS to system error code')).to.deep.equal(expected);
  });

  it('shows the words of ffi/wsa-errors.ts, and which of them libuv does not have', () => {
    const expected = (Object.keys(SystemErrorCode) as SystemErrorName[])
      .filter((name) => name !== 'ERROR_SUCCESS')
      .map((name) => {
        const code = SystemErrorCode[name];
        const inNode = name in OWN_WORDS ? '`UNKNOWN`' : 'the same';
        return [String(code), `\`${name}\``, `\`${describeSystemError(code).code}\``, inNode];
      });
    expect(expected).to.have.length.above(100);
    expect(readTable(markdown, '## System error code to word')).to.deep.equal(expected);
  });

  it('shows the words of name resolution', () => {
    const expected = (Object.keys(ADDRESS_INFO_WORDS) as (keyof typeof ADDRESS_INFO_WORDS)[]).map((name) => {
      const code = SystemErrorCode[name];
      return [String(code), `\`${name}\``, `\`${describeAddressInfoError(code).code}\``];
    });
    expect(readTable(markdown, '### Name resolution')).to.deep.equal(expected);
  });

  it('has the section that the library fills', () => {
    expect(markdown.split(/\r?\n/)).to.include('## What each operation reports');
  });
});
