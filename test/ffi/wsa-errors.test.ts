import { getSystemErrorMap, getSystemErrorName } from 'node:util';

import { expect } from 'chai';

import * as wsaErrors from '../../ffi/wsa-errors.ts';
import { describeSystemError } from '../../ffi/system-error.ts';
import { LIBUV_WORDS, OWN_WORDS, SystemErrorCode } from '../../ffi/wsa-errors.ts';
import { ADDRESS_INFO_WORDS, describeAddressInfoError } from './address-info.ts';

// Written from the specification and not from the source: number, Microsoft's name, word.

/** What libuv's uv_translate_sys_error answers on Windows. */
const LIBUV = `
  4     ERROR_TOO_MANY_OPEN_FILES         EMFILE
  5     ERROR_ACCESS_DENIED               EPERM
  6     ERROR_INVALID_HANDLE              EBADF
  8     ERROR_NOT_ENOUGH_MEMORY           ENOMEM
  13    ERROR_INVALID_DATA                EINVAL
  14    ERROR_OUTOFMEMORY                 ENOMEM
  31    ERROR_GEN_FAILURE                 EIO
  50    ERROR_NOT_SUPPORTED               ENOTSUP
  64    ERROR_NETNAME_DELETED             ECONNRESET
  87    ERROR_INVALID_PARAMETER           EINVAL
  109   ERROR_BROKEN_PIPE                 EOF
  111   ERROR_BUFFER_OVERFLOW             ENAMETOOLONG
  121   ERROR_SEM_TIMEOUT                 ETIMEDOUT
  122   ERROR_INSUFFICIENT_BUFFER         EINVAL
  230   ERROR_BAD_PIPE                    EPIPE
  232   ERROR_NO_DATA                     EAGAIN
  233   ERROR_PIPE_NOT_CONNECTED          EPIPE
  995   ERROR_OPERATION_ABORTED           ECANCELED
  998   ERROR_NOACCESS                    EFAULT
  1004  ERROR_INVALID_FLAGS               EBADF
  1117  ERROR_IO_DEVICE                   EIO
  1225  ERROR_CONNECTION_REFUSED          ECONNREFUSED
  1227  ERROR_ADDRESS_ALREADY_ASSOCIATED  EADDRINUSE
  1231  ERROR_NETWORK_UNREACHABLE         ENETUNREACH
  1232  ERROR_HOST_UNREACHABLE            EHOSTUNREACH
  1236  ERROR_CONNECTION_ABORTED          ECONNABORTED
  2250  ERROR_NOT_CONNECTED               ENOTCONN
  10004 WSAEINTR                          ECANCELED
  10013 WSAEACCES                         EACCES
  10014 WSAEFAULT                         EFAULT
  10022 WSAEINVAL                         EINVAL
  10024 WSAEMFILE                         EMFILE
  10035 WSAEWOULDBLOCK                    EAGAIN
  10037 WSAEALREADY                       EALREADY
  10038 WSAENOTSOCK                       ENOTSOCK
  10040 WSAEMSGSIZE                       EMSGSIZE
  10043 WSAEPROTONOSUPPORT                EPROTONOSUPPORT
  10044 WSAESOCKTNOSUPPORT                ESOCKTNOSUPPORT
  10046 WSAEPFNOSUPPORT                   EINVAL
  10047 WSAEAFNOSUPPORT                   EAFNOSUPPORT
  10048 WSAEADDRINUSE                     EADDRINUSE
  10049 WSAEADDRNOTAVAIL                  EADDRNOTAVAIL
  10051 WSAENETUNREACH                    ENETUNREACH
  10053 WSAECONNABORTED                   ECONNABORTED
  10054 WSAECONNRESET                     ECONNRESET
  10055 WSAENOBUFS                        ENOBUFS
  10056 WSAEISCONN                        EISCONN
  10057 WSAENOTCONN                       ENOTCONN
  10058 WSAESHUTDOWN                      EPIPE
  10060 WSAETIMEDOUT                      ETIMEDOUT
  10061 WSAECONNREFUSED                   ECONNREFUSED
  10065 WSAEHOSTUNREACH                   EHOSTUNREACH
  11001 WSAHOST_NOT_FOUND                 ENOENT
  11004 WSANO_DATA                        ENOENT
`;

/** Where libuv answers UNKNOWN. */
const OWN = `
  38    ERROR_HANDLE_EOF                  EOF
  234   ERROR_MORE_DATA                   EMSGSIZE
  258   WAIT_TIMEOUT                      ETIMEDOUT
  676   ERROR_HANDLES_CLOSED              ECONNABORTED
  735   ERROR_ABANDONED_WAIT_0            EBADF
  996   ERROR_IO_INCOMPLETE               EINPROGRESS
  997   ERROR_IO_PENDING                  EINPROGRESS
  1168  ERROR_NOT_FOUND                   ENOENT
  1226  ERROR_GRACEFUL_DISCONNECT         EOF
  1228  ERROR_ADDRESS_NOT_ASSOCIATED      EADDRNOTAVAIL
  1229  ERROR_CONNECTION_INVALID          ENOTCONN
  1230  ERROR_CONNECTION_ACTIVE           EISCONN
  1233  ERROR_PROTOCOL_UNREACHABLE        ENETUNREACH
  1234  ERROR_PORT_UNREACHABLE            ECONNREFUSED
  1235  ERROR_REQUEST_ABORTED             ECANCELED
  1237  ERROR_RETRY                       EAGAIN
  1241  ERROR_INCORRECT_ADDRESS           EADDRNOTAVAIL
  1256  ERROR_HOST_DOWN                   EHOSTDOWN
  1450  ERROR_NO_SYSTEM_RESOURCES         ENOBUFS
  1455  ERROR_COMMITMENT_LIMIT            ENOMEM
  1460  ERROR_TIMEOUT                     ETIMEDOUT
  1816  ERROR_NOT_ENOUGH_QUOTA            ENOBUFS
  10009 WSAEBADF                          EBADF
  10036 WSAEINPROGRESS                    EINPROGRESS
  10039 WSAEDESTADDRREQ                   EDESTADDRREQ
  10041 WSAEPROTOTYPE                     EPROTOTYPE
  10042 WSAENOPROTOOPT                    ENOPROTOOPT
  10045 WSAEOPNOTSUPP                     ENOTSUP
  10050 WSAENETDOWN                       ENETDOWN
  10052 WSAENETRESET                      ENETRESET
  10059 WSAETOOMANYREFS                   ETOOMANYREFS
  10062 WSAELOOP                          ELOOP
  10063 WSAENAMETOOLONG                   ENAMETOOLONG
  10064 WSAEHOSTDOWN                      EHOSTDOWN
  10066 WSAENOTEMPTY                      ENOTEMPTY
  10067 WSAEPROCLIM                       EPROCLIM
  10068 WSAEUSERS                         EUSERS
  10069 WSAEDQUOT                         EDQUOT
  10070 WSAESTALE                         ESTALE
  10071 WSAEREMOTE                        EREMOTE
  10091 WSASYSNOTREADY                    ENETDOWN
  10092 WSAVERNOTSUPPORTED                WSAVERNOTSUPPORTED
  10093 WSANOTINITIALISED                 WSANOTINITIALISED
  10101 WSAEDISCON                        EOF
  10102 WSAENOMORE                        ENODATA
  10103 WSAECANCELLED                     ECANCELED
  10104 WSAEINVALIDPROCTABLE              WSAEINVALIDPROCTABLE
  10105 WSAEINVALIDPROVIDER               WSAEINVALIDPROVIDER
  10106 WSAEPROVIDERFAILEDINIT            WSAEPROVIDERFAILEDINIT
  10107 WSASYSCALLFAILURE                 WSASYSCALLFAILURE
  10108 WSASERVICE_NOT_FOUND              ENOENT
  10109 WSATYPE_NOT_FOUND                 EAI_SERVICE
  10110 WSA_E_NO_MORE                     ENODATA
  10111 WSA_E_CANCELLED                   ECANCELED
  10112 WSAEREFUSED                       EREFUSED
  11002 WSATRY_AGAIN                      EAI_AGAIN
  11003 WSANO_RECOVERY                    EAI_FAIL
`;

/**
 * Codes that mean something else when GetAddrInfoW returns them, with the word and the libuv word that gives the
 * number.
 */
const ADDRESS_INFO = `
  8     ERROR_NOT_ENOUGH_MEMORY  EAI_MEMORY
  10022 WSAEINVAL                EAI_BADFLAGS
  10044 WSAESOCKTNOSUPPORT       EAI_SOCKTYPE
  10047 WSAEAFNOSUPPORT          EAI_FAMILY
  10109 WSATYPE_NOT_FOUND        EAI_SERVICE
  11001 WSAHOST_NOT_FOUND        ENOTFOUND
  11002 WSATRY_AGAIN             EAI_AGAIN
  11003 WSANO_RECOVERY           EAI_FAIL
`;

interface Row {
  readonly code: number;
  readonly name: string;
  readonly word: string;
}

function parseRows(text: string): readonly Row[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [code = '', name = '', word = ''] = line.trim().split(/\s+/);
      return { code: Number(code), name, word };
    });
}

const libuvRows = parseRows(LIBUV);
const ownRows = parseRows(OWN);
const allRows = [...libuvRows, ...ownRows];
const libuvByWord = new Map(Array.from(getSystemErrorMap(), ([errno, [word, message]]) => [word, { errno, message }]));

/**
 * Words that the libuv of some supported Node has no number for. ENODATA came with libuv 1.45, in the middle of Node
 * 20.
 */
const NUMBERLESS_WORDS = [
  'EDQUOT',
  'EINPROGRESS',
  'ENETRESET',
  'ENODATA',
  'EPROCLIM',
  'EREFUSED',
  'EREMOTE',
  'ESTALE',
  'ETOOMANYREFS',
  'EUSERS',
  'WSAEINVALIDPROCTABLE',
  'WSAEINVALIDPROVIDER',
  'WSAEPROVIDERFAILEDINIT',
  'WSANOTINITIALISED',
  'WSASYSCALLFAILURE',
  'WSAVERNOTSUPPORTED',
];

describe('ffi/wsa-errors and ffi/system-error', () => {
  describe('every code of the specification', () => {
    for (const { code, name, word } of allRows) {
      it(`${String(code)} is ${name}, ${word}`, () => {
        expect(describeSystemError(code)).to.include({ name, code: word });
      });
    }

    it('and the tables have no other', () => {
      const pairs = (rows: readonly Row[]) => Object.fromEntries(rows.map(({ name, word }) => [name, word]));
      expect(LIBUV_WORDS).to.deep.equal(pairs(libuvRows));
      expect(OWN_WORDS).to.deep.equal(pairs(ownRows));
      expect(SystemErrorCode).to.deep.equal({
        ERROR_SUCCESS: 0,
        ...Object.fromEntries(allRows.map(({ name, code }) => [name, code])),
      });
    });
  });

  it('exports codes under their own names, with the values of the table', () => {
    const named = Object.entries(wsaErrors).filter(([, value]) => typeof value === 'number');
    expect(named).to.have.length.above(40);
    expect(SystemErrorCode).to.include(Object.fromEntries(named));
  });

  it('has no number twice', () => {
    const codes: number[] = Object.values(SystemErrorCode);
    expect(codes).to.have.lengthOf(new Set(codes).size);
    // Nor has this test, which would hide a missing row.
    expect(allRows).to.have.lengthOf(new Set(allRows.map(({ code }) => code)).size);
  });

  describe('number and text', () => {
    it("are those of this process's libuv, wherever it has the word", () => {
      let compared = 0;
      for (const { code, name, word } of allRows) {
        const libuv = libuvByWord.get(word);
        if (libuv === undefined) continue;
        const described = describeSystemError(code);
        expect({ errno: described.errno, message: described.message }, name).to.deep.equal(libuv);
        expect(getSystemErrorName(described.errno), name).to.equal(word);
        compared += 1;
      }
      expect(compared).to.be.at.least(libuvRows.length);
    });

    it('are ours for the words that libuv does not have', () => {
      const numberless = allRows.filter(({ word }) => !libuvByWord.has(word));
      // A newer libuv may know more of them, so: not every word of the list, but none beside it.
      expect(numberless).to.not.have.lengthOf(0);
      expect(NUMBERLESS_WORDS).to.include.members(numberless.map(({ word }) => word));
      for (const { code, name } of numberless) {
        const { errno, message } = describeSystemError(code);
        expect(errno, name).to.equal(-code);
        expect(getSystemErrorMap().has(errno), `${name}: ${String(errno)} means something else to Node`).to.equal(
          false,
        );
        expect(message, `${name} has a text of its own`)
          .to.match(/^[a-zA-Z][^.]{8,}$/)
          .and.not.match(/system error|unknown error/);
      }
    });

    it('leave no row of libuv without a number', () => {
      for (const { name, word } of libuvRows) expect(libuvByWord.has(word), name).to.equal(true);
    });

    it('equal those of Windows on Windows', function () {
      if (process.platform !== 'win32') this.skip();
      expect(describeSystemError(10054).errno).to.equal(-4077);
      expect(describeSystemError(10061).errno).to.equal(-4078);
      expect(describeSystemError(10048).errno).to.equal(-4091);
      expect(describeSystemError(10101).errno).to.equal(-4095);
    });
  });

  describe('a code that is in no table', () => {
    for (const code of [1, 3, 10000, 10055.5, 12345, 11031, 0xc0000120, -1, -4077, Number.NaN]) {
      it(`${String(code)} is UNKNOWN, with the number in the message`, () => {
        expect(describeSystemError(code)).to.deep.equal({
          name: 'UNKNOWN',
          code: 'UNKNOWN',
          errno: -4094,
          message: `unknown error ${String(code)}`,
        });
      });
    }

    it('0 says that the code was lost', () => {
      expect(describeSystemError(0)).to.deep.equal({
        name: 'ERROR_SUCCESS',
        code: 'UNKNOWN',
        errno: -4094,
        message: 'unknown error: no error code was set (0)',
      });
    });
  });

  describe('name resolution', () => {
    for (const { code, name, word } of parseRows(ADDRESS_INFO)) {
      it(`${String(code)} is ${word}`, () => {
        const libuv = libuvByWord.get(word === 'ENOTFOUND' ? 'EAI_NONAME' : word);
        expect(libuv, 'libuv has the word').to.not.equal(undefined);
        expect(describeAddressInfoError(code)).to.deep.equal({ name, code: word, ...libuv });
      });
    }

    it('keeps every other code as it is', () => {
      const ownMeaning = new Set(parseRows(ADDRESS_INFO).map(({ name }) => name));
      for (const { code, name } of allRows.filter((row) => !ownMeaning.has(row.name))) {
        expect(describeAddressInfoError(code), name).to.deep.equal(describeSystemError(code));
      }
      expect(describeAddressInfoError(12345)).to.deep.equal(describeSystemError(12345));
      expect(describeAddressInfoError(0)).to.deep.equal(describeSystemError(0));
      expect([...ownMeaning]).to.include.members(Object.keys(ADDRESS_INFO_WORDS));
    });
  });
});
