/** One checker for each way in which Win32 reports failure. */
import { expect } from 'chai';
import {
  checkBool,
  checkHandle,
  checkReturnedCode,
  checkSocket,
  checkWinsock,
  FINISHED,
  NO_ERROR,
  overlappedOutcome,
  Win32Error,
} from '../../ffi/check.ts';
import type { Kernel32 } from '../../ffi/kernel32.ts';
import type { Ws2_32 } from '../../ffi/ws2_32.ts';

const kernel32 = { GetLastError: () => 5 } as Kernel32;
const ws2_32 = { WSAGetLastError: () => 10048 } as Ws2_32;

describe('ffi/check.ts', () => {
  const failures: [string, () => unknown, number][] = [
    ['checkBool of FALSE', () => checkBool(0, kernel32, 'TheCall'), 5],
    ['checkHandle of NULL', () => checkHandle(0, kernel32, 'TheCall'), 5],
    ['checkHandle of INVALID_HANDLE_VALUE', () => checkHandle(-1, kernel32, 'TheCall'), 5],
    ['checkWinsock of SOCKET_ERROR', () => checkWinsock(-1, ws2_32, 'TheCall'), 10048],
    ['checkSocket of INVALID_SOCKET', () => checkSocket(-1, ws2_32, 'TheCall'), 10048],
    ['checkReturnedCode of a code', () => checkReturnedCode(10091, 'TheCall'), 10091],
  ];
  for (const [what, call, code] of failures) {
    it(`${what} throws, with the call's name and its code`, () => {
      expect(call)
        .to.throw(Win32Error, new RegExp(`^TheCall failed with \\w+ \\(${code}\\): `))
        .and.to.include({
          name: 'Win32Error',
          syscall: 'TheCall',
          systemErrorCode: code,
        });
    });
  }

  it('lets success through', () => {
    checkBool(1, kernel32, 'TheCall');
    expect(checkHandle(123, kernel32, 'TheCall')).to.equal(123);
    checkWinsock(0, ws2_32, 'TheCall');
    expect(checkSocket(0, ws2_32, 'TheCall'), '0 is a socket').to.equal(0);
    checkReturnedCode(0, 'TheCall');
  });

  it('tells the three outcomes of an overlapped call apart', () => {
    const last = (code: number) => ({ WSAGetLastError: () => code }) as Ws2_32;
    expect(overlappedOutcome(true, last(997))).to.equal(FINISHED);
    expect(overlappedOutcome(false, last(997))).to.equal(NO_ERROR);
    expect(overlappedOutcome(false, last(10054))).to.equal(10054);
  });
});
