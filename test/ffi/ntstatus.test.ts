import { expect } from 'chai';

import * as ntstatus from '../../ffi/ntstatus.ts';
import { NtStatus, WINSOCK_ERROR_BY_NTSTATUS, ntStatusToWinsockError } from '../../ffi/ntstatus.ts';
import { describeSystemError } from '../../ffi/system-error.ts';

// Written from the specification and not from the source: statuses in hexadecimal, then Microsoft's number and its
// name.
const EXPECTED = `
  00000000                                                          0      ERROR_SUCCESS
  4000000f 40000010 40000011                                        0      ERROR_SUCCESS
  00000103                                                          997    ERROR_IO_PENDING
  c0000008 c0000024                                                 10038  WSAENOTSOCK
  c000009a c0000007 c000012d c00000a1 c0000017 c0000044 c0000097 c000013d 10055 WSAENOBUFS
  c0000209 c0000043 c000020a                                        10048  WSAEADDRINUSE
  c000013f c00000b5 00000102                                        10060  WSAETIMEDOUT
  c0000237                                                          10101  WSAEDISCON
  c000013c c000020d c000013e c000020c c000023f c000a012             10054  WSAECONNRESET
  c000013b c000020f c0000241 8000000a                               10053  WSAECONNABORTED
  c00000be c000023c c000023e                                        10051  WSAENETUNREACH
  c000023d                                                          10065  WSAEHOSTUNREACH
  c0000120                                                          995    ERROR_OPERATION_ABORTED
  c0000240                                                          10004  WSAEINTR
  80000005 c0000206                                                 10040  WSAEMSGSIZE
  c0000023 c0000005 c00002c5                                        10014  WSAEFAULT
  c00000a3 c00000d0                                                 10035  WSAEWOULDBLOCK
  c00000c3 c00000bf c000000e c000000f c000003a c0000034 c00000c4    10050  WSAENETDOWN
  c0000011                                                          38     ERROR_HANDLE_EOF
  c0000140                                                          10057  WSAENOTCONN
  c000023b                                                          10056  WSAEISCONN
  c00000bc c0000236                                                 10061  WSAECONNREFUSED
  c00000b0                                                          10058  WSAESHUTDOWN
  c0000018 c0000141 c0000207                                        10049  WSAEADDRNOTAVAIL
  c00000bb c0000002                                                 10045  WSAEOPNOTSUPP
  c0000022                                                          10013  WSAEACCES
  c000011f                                                          10024  WSAEMFILE
  c0000350                                                          10064  WSAEHOSTDOWN
`;

interface Row {
  readonly hex: string;
  readonly status: number;
  readonly error: number;
  readonly name: string;
}

const rows: readonly Row[] = EXPECTED.trim()
  .split('\n')
  .flatMap((line) => {
    const cells = line.trim().split(/\s+/);
    const name = cells.pop() ?? '';
    const error = Number(cells.pop());
    return cells.map((hex) => ({ hex, status: Number.parseInt(hex, 16), error, name }));
  });

describe('ffi/ntstatus', () => {
  describe('every status of the specification', () => {
    for (const { hex, status, error, name } of rows) {
      it(`0x${hex} is ${name}`, () => {
        expect(ntStatusToWinsockError(status), 'unsigned').to.equal(error);
        expect(ntStatusToWinsockError(status | 0), 'signed').to.equal(error);
        expect(describeSystemError(error).name).to.equal(name);
      });
    }

    it('and the table has no other', () => {
      const expected = rows.map(({ status }) => status).sort((a, b) => a - b);
      const actual = Object.values<number>(NtStatus).sort((a, b) => a - b);
      expect(new Set(expected).size, 'a status twice in this test').to.equal(expected.length);
      expect(actual).to.deep.equal(expected);
      expect(Object.keys(WINSOCK_ERROR_BY_NTSTATUS)).to.have.members(Object.keys(NtStatus));
    });
  });

  it('names the statuses as Microsoft does', () => {
    // A sample across the table: these are the ones that the library and its tests meet.
    expect(NtStatus).to.include({
      STATUS_SUCCESS: 0,
      STATUS_TIMEOUT: 0x102,
      STATUS_PENDING: 0x103,
      STATUS_BUFFER_OVERFLOW: 0x80000005,
      STATUS_HANDLES_CLOSED: 0x8000000a,
      STATUS_INVALID_HANDLE: 0xc0000008,
      STATUS_OBJECT_TYPE_MISMATCH: 0xc0000024,
      STATUS_TOO_MANY_OPENED_FILES: 0xc000011f,
      STATUS_CANCELLED: 0xc0000120,
      STATUS_LOCAL_DISCONNECT: 0xc000013b,
      STATUS_REMOTE_DISCONNECT: 0xc000013c,
      STATUS_INVALID_CONNECTION: 0xc0000140,
      STATUS_CONNECTION_RESET: 0xc000020d,
      STATUS_CONNECTION_REFUSED: 0xc0000236,
      STATUS_PORT_UNREACHABLE: 0xc000023f,
      STATUS_REQUEST_ABORTED: 0xc0000240,
      STATUS_CONNECTION_ABORTED: 0xc0000241,
    });
  });

  it('exports statuses under their own names, with the values of the table', () => {
    const named = Object.entries(ntstatus).filter(([name]) => name.startsWith('STATUS_'));
    expect(named).to.have.length.above(10);
    expect(NtStatus).to.include(Object.fromEntries(named));
  });

  it('keeps statuses as unsigned 32-bit numbers', () => {
    for (const [name, status] of Object.entries(NtStatus)) expect(status >>> 0, name).to.equal(status);
  });

  describe('a status that is in no table', () => {
    it('is success where its severity is success or informational', () => {
      for (const status of [0x00000001, 0x00000104, 0x0000ffff, 0x40000000, 0x40000012, 0x7fffffff]) {
        expect(ntStatusToWinsockError(status), status.toString(16)).to.equal(0);
      }
    });

    it('is WSAEINVAL where its severity is warning or error', () => {
      for (const status of [0x80000000, 0x80000006, 0xc0000001, 0xc0000121, 0xc000ffff, 0xffffffff]) {
        expect(ntStatusToWinsockError(status), status.toString(16)).to.equal(10022);
        expect(ntStatusToWinsockError(status | 0), `signed ${status.toString(16)}`).to.equal(10022);
      }
    });

    it('gives the Win32 code inside an NTWIN32 status', () => {
      expect(ntStatusToWinsockError(0x80072746)).to.equal(10054);
      expect(ntStatusToWinsockError(0x80072746 | 0)).to.equal(10054);
      expect(ntStatusToWinsockError(0xc0070040)).to.equal(64);
      expect(ntStatusToWinsockError(0xc0070001)).to.equal(1);
      expect(ntStatusToWinsockError(0x8007ffff)).to.equal(0xffff);
      // The reserved bit, which marks an HRESULT made of an NTSTATUS.
      expect(ntStatusToWinsockError(0xd0070040)).to.equal(64);
    });

    it('does not take another facility for NTWIN32', () => {
      // Facilities whose number contains the bits of 7, and a customer-defined status: libuv, which tests bits, would
      // accept them.
      for (const status of [
        0xc00f0040, 0xc0170040, 0x801f0040, 0xc0270040, 0xc0060040, 0xc0080040, 0xe0070040, 0xa0070040,
      ]) {
        expect(ntStatusToWinsockError(status), status.toString(16)).to.equal(10022);
      }
      expect(ntStatusToWinsockError(0x40070040), 'informational').to.equal(0);
      expect(ntStatusToWinsockError(0x00070040), 'success').to.equal(0);
    });

    it('never turns a failure into success', () => {
      expect(ntStatusToWinsockError(0x80070000)).to.equal(10022);
      expect(ntStatusToWinsockError(0xc0070000)).to.equal(10022);
    });
  });

  it('answers failure for every warning and error of the common ranges', () => {
    for (const base of [0x80000000, 0xc0000000, 0x80070000, 0xc0070000]) {
      for (let code = 0; code <= 0xffff; code += 1) {
        if (ntStatusToWinsockError(base + code) <= 0)
          expect.fail(`0x${(base + code).toString(16)} came out as success`);
      }
    }
  });
});
