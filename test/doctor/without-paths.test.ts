/** What doctor prints names no folders. */
import { expect } from 'chai';
import { withoutPaths } from '../../src/doctor/without-paths.ts';

describe('messages without paths', () => {
  for (const [text, wanted] of [
    [String.raw`Cannot find module 'C:\Users\Ann Smith\app\koffi.node'`, `Cannot find module '…/koffi.node'`],
    ['Require stack:\n- C:/Users/ann/app/node_modules/koffi/index.js', 'Require stack:\n- …/index.js'],
    [String.raw`ENOENT: no such file, open "\\server\share\ann\file.bin"`, 'ENOENT: no such file, open "…/file.bin"'],
    ['imported from file:///C:/Users/ann/main.mjs', 'imported from …/main.mjs'],
    ['imported from file:///home/ann/main.mjs', 'imported from …/main.mjs'],
    ['open /home/ann/x/file.bin', 'open …/file.bin'],
  ]) {
    it(`keeps the file of ${String(text)}`, () => {
      expect(withoutPaths(text!)).to.equal(wanted);
    });
  }

  it('leaves everything else as it is', () => {
    for (const text of [
      'connect ECONNREFUSED 127.0.0.1:7007: actively refused (ConnectEx, 10061)',
      'connect ECONNREFUSED [::1]:7007',
      'read and/or write, 3 / 4, 12:30',
      'see https://learn.microsoft.com/windows/win32/api',
      '  connection 1048577 (SOCKET 284), 15003 ms old, CLOSING: peer 127.0.0.1 port 40123',
    ]) {
      expect(withoutPaths(text)).to.equal(text);
    }
  });
});
