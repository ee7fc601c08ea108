/** What Node's own test files need, by their text. */
import { expect } from 'chai';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { removeAtExit } from '../../../scripts/remove.mjs';
import { findTestFiles, flagsOf, kindOf } from '../../../scripts/node-tests/test-file.mjs';

describe("Node's own test files", () => {
  for (const [kind, text] of [
    ['public', "const net = require('net');\nnet.connect(1)._connecting;"],
    ['internals', '// Flags: --expose-internals'],
    ['internals', "const { TCP } = internalBinding('tcp_wrap');"],
    ['pipes', 'server.listen(common.PIPE)._handle'],
    ['DNS server', "require('../common/dns');"],
    ['child processes', "const cluster = require('cluster');"],
    ['private fields', 'client._handle.onread = null;'],
    ['public', 'client._writableState.length'],
  ] as const) {
    it(`are of the kind '${kind}' with ${text.split('\n').at(-1)}`, () => {
      expect(kindOf(text)).to.equal(kind);
    });
  }

  it('name the options that they need', () => {
    expect(flagsOf("'use strict';\n// Flags: --expose-gc  --no-warnings\r\nconst x = 1;")).to.deep.equal([
      '--expose-gc',
      '--no-warnings',
    ]);
    expect(flagsOf("'use strict';")).to.deep.equal([]);
  });

  it('are those of the groups that were asked for, group by group', () => {
    const checkout = mkdtempSync(path.join(tmpdir(), 'iocp-pal-checkout-'));
    removeAtExit(checkout);
    const folder = path.join(checkout, 'test', 'parallel');
    mkdirSync(folder, { recursive: true });
    for (const name of ['test-http-a.js', 'test-http2-a.js', 'test-net-b.mjs', 'test-net-a.js', 'test-net-a.snapshot'])
      writeFileSync(path.join(folder, name), '');
    expect(findTestFiles(checkout, ['net', 'http']).map(({ name, group }) => [name, group])).to.deep.equal([
      ['test-net-a', 'net'],
      ['test-net-b', 'net'],
      ['test-http-a', 'http'],
    ]);
  });
});
